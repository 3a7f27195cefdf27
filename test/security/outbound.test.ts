/**
 * A client certificate is what an attacker wants to have shown to a server of his own, or used for requests of his own.
 * What test/egress proves by the way is pointed at in README.md; here is what somebody would try on purpose.
 */

import type { ServerHttp2Session } from "node:http2";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../edge/harness/until.ts";
import { type Question, startTestEgress } from "../egress/harness/egress.ts";
import { type Origin, type OriginOptions, PROTOCOLS, type SeenRequest, startOrigin } from "../egress/harness/origin.ts";
import { createTestPki, type TestPki, upload } from "../egress/harness/pki.ts";
import { startTlsOrigin } from "../egress/harness/raw-origin.ts";
import { forgeLookups } from "./harness/lookups.ts";
import { connectAtOtherAddress } from "./harness/other-address.ts";
import { startSharedEgress } from "./harness/tenants.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const clientIn = (text: string) => (JSON.parse(text) as SeenRequest).client;

describe.each(PROTOCOLS)("another project, over %s,", (protocol) => {
  const PROJECTS = ["acme/shop", "acme/blog", "globex/shop"];
  const REQUESTS = 120;

  it("calls its certificate as mine is called, to get my connections (APISIX #13587)", async () => {
    const issued = PROJECTS.map((name) => pki.clientCa.issue({ subject: `CN=${name}` }));
    const uploads = (await Promise.all(issued)).map((one) => pki.outbound({ gateway: upload(one) }));
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startSharedEgress(
      Object.fromEntries(PROJECTS.map((name, index) => [name, uploads[index] ?? {}])),
    );
    const asked = Array.from({ length: REQUESTS }, (_, index) => PROJECTS[index % PROJECTS.length] ?? "");
    const answers = await Promise.all(asked.map((project) => egress.ask(project, `${origin.url}/`)));
    expect(answers.map(({ text }) => clientIn(text))).toEqual(asked);
    expect(new Set(origin.handshakes)).toEqual(new Set(PROJECTS));
  });

  it("has an origin of its own CA talked to over a connection that it opened", async () => {
    await using origin = await startOrigin(pki, { protocol });
    const certificates = { gateway: upload(pki.gateway) };
    await using egress = await startSharedEgress({
      "acme/blog": { certificates, originCas: [pki.originCa.certificatePem] },
      "acme/shop": { certificates, originCas: [] },
    });
    expect((await egress.ask("acme/blog", `${origin.url}/`)).status).toBe(200);
    const { failure } = await egress.ask("acme/shop", `${origin.url}/`);
    expect([failure?.code, origin.requests.length]).toEqual(["origin_certificate_untrusted", 1]);
  });
});

describe("an origin", () => {
  it.each(PROTOCOLS)("names another host as its alternative in a header, over %s (RFC 7838)", async (protocol) => {
    await using origin = await startOrigin(pki, { protocol });
    await using elsewhere = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const { onRequest } = origin;
    origin.onRequest = (request, response) => {
      const alternative = `127.0.0.1:${elsewhere.port}`;
      response.setHeader("alt-svc", `h2="${alternative}"; ma=3600, http/1.1="${alternative}"; ma=3600`);
      response.setHeader("refresh", `0; url=${elsewhere.url}/`);
      return onRequest(request, response);
    };
    for (let turn = 0; turn < 3; turn++) expect((await egress.ask(`${origin.url}/`)).status).toBe(200);
    expect([origin.requests.length, elsewhere.handshakes]).toEqual([3, []]);
  });

  it("claims other hosts for its HTTP/2 connection, which its certificate has (RFC 8336, RFC 7838)", async () => {
    await using elsewhere = await startOrigin(pki, { protocol: "HTTP/2" });
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    await using egress = await startTestEgress(pki.outbound());
    const { onRequest } = origin;
    origin.onRequest = (request, response) => {
      const session = sessionOf(response);
      session.origin(`https://127.0.0.1:${origin.port}`, elsewhere.url);
      session.altsvc(`h2="127.0.0.1:${origin.port}"`, elsewhere.url);
      return onRequest(request, response);
    };
    await egress.ask(`${origin.url}/`);
    await egress.ask(`${elsewhere.url}/`);
    await egress.ask(`https://127.0.0.1:${origin.port}/`);
    expect([origin.handshakes.length, elsewhere.requests.length]).toEqual([2, 1]);
  });

  it("closes a connection on a request, to have it repeated where the name leads by then", async () => {
    await using origin = await startNamedOrigin();
    await using egress = await startTestEgress({ ...pki.outbound(), allowedNetworks: ["127.0.0.1"] });
    using lookups = forgeLookups([["127.0.0.1"], ["127.0.0.2"]]);
    origin.onRequest = (request) => void request.socket.destroy();
    const { failure } = await egress.ask(`https://${NAME}:${origin.port}/`);
    expect([lookups.names, origin.requests.length]).toEqual([[NAME, NAME], 1]);
    expect(failure?.reason).toContain(`"${NAME}" has the loopback or link-local address 127.0.0.2`);
  });
});

const NAME = "origin.test";

async function startNamedOrigin(options: OriginOptions = {}): Promise<Origin> {
  const { chainPem: cert, keyPem: key } = await pki.originCa.issueServer({ hostnames: [NAME], ips: [] });
  return startOrigin(pki, { ...options, tls: { cert, key } });
}

function sessionOf(response: object): ServerHttp2Session {
  return (response as { stream: { session: ServerHttp2Session } }).stream.session;
}

describe("whoever has the DNS of an origin's name", () => {
  it("answers with this machine once the name is trusted (DNS rebinding)", async () => {
    await using origin = await startNamedOrigin();
    await using egress = await startTestEgress({ ...pki.outbound(), allowedNetworks: ["127.0.0.1"] });
    using _ = forgeLookups([["127.0.0.1"], ["127.0.0.2"]]);
    const ask = () => egress.ask(`https://${NAME}:${origin.port}/`);
    expect((await ask()).status).toBe(200);
    for (const connection of origin.connections) connection.destroy();
    await until(() => origin.connections.size === 0);
    // The egress has heard of it when it has heard of something that came later.
    await egress.ask(`https://${NAME}/`, { certificate: "nobody" });
    expect((await ask()).failure?.reason).toContain("127.0.0.2, to which the egress does not connect");
  });

  it.each([
    ["the metadata service", "169.254.169.254"],
    ["this machine in another family", "::1"],
    ["this machine, mapped", "::ffff:127.0.0.2"],
    ["this machine, unspecified", "0.0.0.0"],
    ["its own link", "fe80::1"],
  ])("answers with %s, alone and behind an address that is allowed", async (_, address) => {
    await using origin = await startNamedOrigin();
    await using egress = await startTestEgress({ ...pki.outbound(), allowedNetworks: ["127.0.0.1"] });
    for (const answer of [[address], ["127.0.0.1", address]]) {
      using _ = forgeLookups([answer]);
      const { failure } = await egress.ask(`https://${NAME}:${origin.port}/`);
      expect(failure?.reason).toContain(`${address}, to which the egress does not connect`);
    }
    expect(origin.handshakes).toEqual([]);
  });
});

describe("a server in the origin's place", () => {
  const refused = async (tls: OriginOptions["tls"], question: Question = {}) => {
    await using origin = await startOrigin(pki, { ...(tls && { tls }) });
    await using egress = await startTestEgress(pki.outbound());
    const { failure } = await egress.ask(`${origin.url}/`, question);
    expect(origin.requests).toHaveLength(0);
    return failure?.code;
  };

  it("is let through by NODE_TLS_REJECT_UNAUTHORIZED=0, which is no switch here", async () => {
    const { chainPem: cert, keyPem: key } = await pki.clientCa.issueServer();
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect(await refused({ cert, key })).toBe("origin_certificate_untrusted");
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it("has a certificate for the name that the client wrote into Host", async () => {
    const { chainPem: cert, keyPem: key } = await pki.originCa.issueServer({ hostnames: ["other.test"], ips: [] });
    expect(await refused({ cert, key }, { headers: { host: "other.test" } })).toBe("origin_certificate_untrusted");
  });

  it.each<[string, ("dns" | "uri" | "email")[], string]>([
    ["in a URI (CVE-2021-44531)", ["uri"], "https://localhost/"],
    ["behind a comma of another name (CVE-2021-44532)", ["dns"], "evil.test, DNS:localhost"],
    ["behind a NUL of another name (CVE-2021-44533)", ["dns"], "localhost\0.evil.test"],
    ["in an e-mail address", ["email"], "root@localhost"],
    ["in a wildcard above it", ["dns"], "*"],
  ])("has the origin's name %s", async (_, [kind], value) => {
    const subjectAlternativeNames = [`${kind}:${value}` as `dns:${string}`];
    const { chainPem: cert, keyPem: key } = await pki.originCa.issueServer({
      subject: "CN=evil.test",
      subjectAlternativeNames,
    });
    expect(await refused({ cert, key })).toBe("origin_certificate_untrusted");
  });
});

describe("the origin's own answer", () => {
  it("is followed by another one, for whoever asks next over that connection (response splitting)", async () => {
    const answer = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    await using origin = await startTlsOrigin(pki, (socket) => {
      let requests = 0;
      socket.on("data", () => socket.write(++requests === 1 ? answer("mine") + answer("poison") : answer("theirs")));
    });
    await using egress = await startTestEgress(pki.outbound());
    const texts = [];
    for (let turn = 0; turn < 4; turn++) texts.push((await egress.ask(`${origin.url}/`)).text);
    expect(texts).not.toContain("poison");
  });
});

describe("somebody on the network", () => {
  it("connects to the egress at another address of the machine", async () => {
    await using egress = await startTestEgress(pki.outbound());
    expect(await connectAtOtherAddress(egress.url)).toBe("ECONNREFUSED");
  });
});
