/** Connections to origins: kept, shared where that is safe, and replaced when the origin has closed them. */
import type { TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../edge/harness/until.ts";
import { startTestEgress } from "./harness/egress.ts";
import { type OriginResponse, PROTOCOLS, reflect, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";
import { resetConnection, startTlsOrigin } from "./harness/raw-origin.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

describe.each(PROTOCOLS)("over %s", (protocol) => {
  it("one handshake serves requests that come one after the other", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    for (let count = 0; count < 10; count++) {
      const method = count % 2 === 0 ? "GET" : "POST";
      await egress.ask(`${origin.url}/${count}`, { method, body: method === "POST" ? "body" : "" });
    }
    expect(origin.requests).toHaveLength(10);
    expect(origin.handshakes).toEqual(["gateway"]);
  });

  it("requests at the same time do not wait for each other", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const waiting: OriginResponse[] = [];
    origin.onRequest = (_, response) => void waiting.push(response);
    const methods = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? "GET" : "POST"));
    const asked = methods.map((method) => egress.ask(`${origin.url}/`, { method, body: method === "POST" ? "x" : "" }));
    await until(() => waiting.length === methods.length);
    expect(origin.handshakes).toHaveLength(protocol === "HTTP/2" ? 1 : methods.length);
    for (const response of waiting) response.end("ok");
    expect((await Promise.all(asked)).every(({ text }) => text === "ok")).toBe(true);
  });

  it("an idle connection is closed when its time is up", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress({ ...pki.outbound(), limits: { keepAliveTimeoutMs: 50 } });
    origin.onRequest = (_, response) => {
      // An origin that would keep it for long does not make us keep it.
      if (protocol === "HTTP/1.1") response.setHeader("keep-alive", "timeout=600");
      response.end();
    };
    await egress.ask(`${origin.url}/`);
    await until(() => origin.connections.size === 0);
    expect((await egress.ask(`${origin.url}/`)).status).toBe(200);
  });

  it("a connection that the origin closed while it was idle is replaced", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    for (const method of ["GET", "POST", "GET", "POST"]) {
      expect((await egress.ask(`${origin.url}/`, { method })).status).toBe(200);
      for (const connection of origin.connections) connection.destroy();
      await until(() => origin.connections.size === 0);
      // The egress has heard of it when it has heard of something that came later.
      await egress.ask(`${origin.url}/`, { certificate: "nobody" });
    }
  });
});

/** Answers the first request of each connection, and closes it on the second: as if it had been idle for too long. */
const startForgetfulOrigin = (seen: string[]) =>
  startTlsOrigin(pki, (socket) => {
    let isFirst = true;
    socket.on("data", (bytes: Buffer) => {
      seen.push(bytes.toString("latin1").split(" ", 1)[0] ?? "");
      if (isFirst) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      else socket.destroy();
      isFirst = false;
    });
  });

describe("a kept-alive connection that is closed when the next request comes", () => {
  it.each(["GET", "OPTIONS"])("has %s tried again on another one", async (method) => {
    const seen: string[] = [];
    await using origin = await startForgetfulOrigin(seen);
    await using egress = await startTestEgress(pki.outbound());
    for (let count = 0; count < 3; count++) expect((await egress.ask(`${origin.url}/`, { method })).text).toBe("ok");
    expect(seen.length).toBeGreaterThan(3);
  });

  it.each([
    ["POST", "body"],
    ["POST", ""],
    ["PUT", "body"],
    ["DELETE", ""],
    ["PATCH", "body"],
    ["GET", "body"],
  ])("has %s with the body %j tried once, and says what happened", async (method, body) => {
    const seen: string[] = [];
    await using origin = await startForgetfulOrigin(seen);
    await using egress = await startTestEgress(pki.outbound());
    await egress.ask(`${origin.url}/`);
    const { failure } = await egress.ask(`${origin.url}/`, { method, body });
    expect(failure?.code).toBe("origin_unreachable");
    // The first request was a GET.
    expect(seen.filter((one) => one === method)).toHaveLength(method === "GET" ? 2 : 1);
  });

  it("that always fails is given up after the second time", async () => {
    const seen: string[] = [];
    await using origin = await startTlsOrigin(pki, (socket) =>
      socket.on("data", () => {
        seen.push("request");
        socket.destroy();
      }),
    );
    await using egress = await startTestEgress(pki.outbound());
    expect((await egress.ask(`${origin.url}/`)).failure?.code).toBe("origin_unreachable");
    expect(seen).toHaveLength(2);
  });
});

describe("an HTTP/2 connection that is closed when the next request comes", () => {
  const WAYS: Record<string, (connection: TLSSocket) => unknown> = {
    closed: (connection) => connection.end(),
    cut: (connection) => connection.destroy(),
    reset: resetConnection,
  };

  it.each(Object.entries(WAYS))("%s, has GET tried again on another one, and POST never", async (_, end) => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    await using egress = await startTestEgress(pki.outbound());
    let isClosing = false;
    origin.onRequest = (request, response) => {
      if (isClosing) for (const connection of origin.connections) end(connection);
      else void reflect(request, response);
      isClosing = false;
    };
    for (const [method, code, times] of [
      ["GET", undefined, 2],
      ["POST", "origin_unreachable", 1],
    ] as const) {
      await egress.ask(`${origin.url}/`);
      const before = origin.requests.length;
      isClosing = true;
      const answer = await egress.ask(`${origin.url}/`, { method });
      expect([method, answer.failure?.code, origin.requests.length - before]).toEqual([method, code, times]);
    }
  });
});

it("no session is resumed, under neither version of TLS", async () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const reused: boolean[] = [];
    await using origin = await startTlsOrigin(
      pki,
      (socket) => {
        reused.push(socket.isSessionReused());
        socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
      },
      { minVersion: version, maxVersion: version },
    );
    await using egress = await startTestEgress(pki.outbound());
    for (let count = 0; count < 3; count++) expect((await egress.ask(`${origin.url}/`)).status).toBe(200);
    expect(reused).toEqual([false, false, false]);
  }
});

it("an HTTP/2 origin that says goodbye loses no request", async () => {
  await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
  await using egress = await startTestEgress(pki.outbound());
  origin.onRequest = (request, response) => {
    if (request.url === "/last")
      (response as unknown as { stream: { session: { close(): void } } }).stream.session.close();
    void reflect(request, response);
  };
  for (let turn = 0; turn < 3; turn++) {
    const paths = ["/", "/last", "/", "/", "/"];
    const answers = await Promise.all(paths.map((path) => egress.ask(origin.url + path)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const posted = await egress.ask(`${origin.url}/`, { method: "POST", body: "x" });
    expect(posted.status).toBe(200);
  }
});
