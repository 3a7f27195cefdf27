/** A new version under the same name: nothing fails, and nothing is presented any more that is not the present one. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import type { IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { until } from "../edge/harness/until.ts";
import { readAnswer, startTestEgress, type TestEgress } from "./harness/egress.ts";
import { startGate } from "./harness/gate.ts";
import { PROTOCOLS, type Protocol, reflect, type SeenRequest, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki, upload } from "./harness/pki.ts";

let pki: TestPki;
/** `CN=0`, `CN=1` … */
let versions: IssuedCertificate[];
let sameKey: IssuedCertificate;

beforeAll(async () => {
  pki = await createTestPki();
  versions = await Promise.all([0, 1, 2, 3].map((version) => pki.clientCa.issue({ subject: `CN=${version}` })));
  sameKey = await pki.clientCa.issue({ subject: "CN=same key", key: versions[0]?.keys ?? "ec-p256" });
});

function outbound(version: number) {
  return pki.outbound({ gateway: upload(versions[version] as IssuedCertificate, { version: String(version) }) });
}

const rotate = (egress: TestEgress, version: number) => egress.replace(outbound(version));
/** Calls back with the common name that a connection presented, each time when undici writes a request to it. */
function watchWrites(onWrite: (presented: string) => unknown): Disposable {
  const listen = (message: unknown) => {
    const { socket } = message as { socket: TLSSocket };
    onWrite(socket.getX509Certificate()?.subject.replace("CN=", "") ?? "");
  };
  subscribe("undici:client:sendHeaders", listen);
  return { [Symbol.dispose]: () => void unsubscribe("undici:client:sendHeaders", listen) };
}

const clientIn = (body: string) => (JSON.parse(body) as SeenRequest).client;

describe.each(PROTOCOLS)("over %s, after a rotation", (protocol) => {
  it("idle connections are closed at once, and the next request presents the new certificate", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(outbound(0));
    await egress.ask(`${origin.url}/`);
    expect(origin.connections.size).toBe(1);
    rotate(egress, 1);
    await until(() => origin.connections.size === 0);
    expect(clientIn((await egress.ask(`${origin.url}/`)).text)).toBe("1");
    expect(origin.handshakes).toEqual(["0", "1"]);
  });

  it("a request under way finishes, later ones do not share its connection, which then ends", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(outbound(0));
    let finish = () => {};
    origin.onRequest = (request, response) => {
      if (request.url === "/slow") finish = () => void reflect(request, response);
      else void reflect(request, response);
    };
    const slow = egress.ask(`${origin.url}/slow`);
    await until(() => origin.requests.length === 1);
    rotate(egress, 1);
    for (const method of ["GET", "POST"]) {
      expect(clientIn((await egress.ask(`${origin.url}/`, { method })).text)).toBe("1");
    }
    expect(origin.connections.size).toBe(2);
    finish();
    expect(clientIn((await slow).text)).toBe("0");
    await until(() => origin.connections.size === 1);
  });

  it("an answer and a body that are under way arrive whole", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(outbound(0));
    origin.onRequest = (request, response) => {
      response.writeHead(200);
      request.pipe(response);
    };
    const sent = egress.open(`${origin.url}/`, { method: "POST" });
    sent.write("before, ");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    rotate(egress, 1);
    sent.end("after");
    expect(await text(response)).toBe("before, after");
    await until(() => origin.connections.size === 0);
  });

  it.each([
    ["GET", "TLSv1.2"],
    ["GET", "TLSv1.3"],
    ["POST", "TLSv1.2"],
    ["POST", "TLSv1.3"],
  ] as const)("%s requests that wait for a handshake (%s) go out with the new certificate", async (method, version) => {
    const REQUESTS = 40;
    await using origin = await startOrigin(pki, { protocol, tls: { minVersion: version, maxVersion: version } });
    await using gate = await startGate(() => origin.port);
    await using egress = await startTestEgress(outbound(0));
    const body = method === "POST" ? "body" : "";
    const waiting = Array.from({ length: REQUESTS }, () => egress.ask(`${gate.url}/`, { method, body }));
    await until(() => gate.arrivals > 0);
    // All of them have to have arrived in the egress: another name's requests are as quick as they are.
    await egress.ask(`${gate.url}/`, { certificate: "nobody" });
    rotate(egress, 1);
    rotate(egress, 2);
    gate.open();
    const seen = (await Promise.all(waiting)).map((answer) => JSON.parse(answer.text) as SeenRequest);
    expect(seen).toHaveLength(REQUESTS);
    expect(seen.every((request) => request.client === "2" && request.body === body)).toBe(true);
    expect(new Set(origin.handshakes)).toEqual(new Set(["2"]));
  });

  it.each([
    ["the certificate and its key", () => versions[1] as IssuedCertificate, "0", "1"],
    ["the certificate alone", () => sameKey, "0", "same key"],
    ["the version alone", () => versions[0] as IssuedCertificate, "1", "0"],
  ])("that changed %s, connections are new: a version that somebody forgot keeps nothing alive", async (...change) => {
    const [, issued, version, client] = change;
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(outbound(0));
    await egress.ask(`${origin.url}/`);
    egress.replace(pki.outbound({ gateway: upload(issued(), { version }) }));
    await until(() => origin.connections.size === 0);
    expect(clientIn((await egress.ask(`${origin.url}/`)).text)).toBe(client);
  });

  it("a request that does not end is cut when its time is up, and says so", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress({ ...outbound(0), limits: { drainMs: 20 } });
    origin.onRequest = () => {};
    const stuck = egress.ask(`${origin.url}/`);
    await until(() => origin.requests.length === 1);
    rotate(egress, 1);
    const { failure } = await stuck;
    expect([failure?.code, failure?.reason]).toEqual(["origin_unreachable", expect.stringContaining("was rotated")]);
    await until(() => origin.connections.size === 0);
  });

  it("none of many requests fails, and the origin never sees an old certificate again", async () => {
    const CONNECTIONS = 40;
    const ROUNDS = 12;
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(outbound(0));
    let present = 0;
    let sent = 0;
    const outdated: string[] = [];
    using _ = watchWrites(
      (presented) => presented === String(present) || outdated.push(`${presented}, not ${present}`),
    );
    const askForever = async (worker: number) => {
      for (let round = 0; round < ROUNDS; round++) {
        const earliest = present;
        const method = (worker + round) % 2 === 0 ? "GET" : "POST";
        const answer = await egress.ask(`${origin.url}/`, { method, ...(method === "POST" && { body: "x" }) });
        expect([answer.status, answer.failure]).toEqual([200, undefined]);
        expect(Number(clientIn(answer.text))).toBeGreaterThanOrEqual(earliest);
        if (++sent % ((CONNECTIONS * ROUNDS) / 4) === 0 && present < 3) rotate(egress, ++present);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, worker) => askForever(worker)));
    expect([sent, present, outdated]).toEqual([CONNECTIONS * ROUNDS, 3, []]);
    expect(new Set(origin.handshakes)).toEqual(new Set(["0", "1", "2", "3"]));
    expect(origin.handshakes.lastIndexOf("2")).toBeLessThan(origin.handshakes.lastIndexOf("3"));
  });
});

describe("a body of which nothing came before the rotation", () => {
  async function sendLateBody(protocol: Protocol) {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(outbound(0));
    await egress.ask(`${origin.url}/`);
    const sent = egress.open(`${origin.url}/`, { method: "POST" });
    sent.flushHeaders();
    // The second of two on an open connection: what came before it has been taken up, and waits.
    await egress.ask(`${origin.url}/`, { certificate: "nobody" });
    if (protocol === "HTTP/2") await until(() => origin.requests.length === 2);
    rotate(egress, 1);
    const answer = await readAnswer(sent, "late");
    expect(origin.requests.filter(({ request }) => request.method === "POST")).toHaveLength(1);
    return JSON.parse(answer.text) as SeenRequest;
  }

  it("goes out with the new certificate over HTTP/1.1, where nothing of its request was written", async () => {
    expect(await sendLateBody("HTTP/1.1")).toMatchObject({ client: "1", body: "late" });
  });

  it("follows its headers over HTTP/2: the request is under way", async () => {
    expect(await sendLateBody("HTTP/2")).toMatchObject({ client: "0", body: "late" });
  });
});
