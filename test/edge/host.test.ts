/** Rule 4 of the verdict: whatever names the host must be the TLS server name of an active domain. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import {
  connect as connectSocket,
  createServer as createTlsServer,
  getCACertificates,
  setDefaultCACertificates,
} from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority, type IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { ask, askForAssertion, sendRaw } from "./harness/client.ts";
import { createWorkFolder, curl } from "./harness/command.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { askHttp2, connectHttp2 } from "./harness/http2-client.ts";
import { openTcp, recordClientHello } from "./harness/raw-handshake.ts";
import { until } from "./harness/until.ts";

const OTHER_HOST = "b.test";

let edge: TestEdge;
let identity: IssuedCertificate;
let systemTrusted: IssuedCertificate;

beforeAll(async () => {
  const root = await createCertificateAuthority({ subject: "CN=example-ca" });
  const other = await createCertificateAuthority({ subject: "CN=other-ca" });
  const system = await createCertificateAuthority({ subject: "CN=a CA that this machine trusts" });
  setDefaultCACertificates([...getCACertificates("default"), system.certificatePem]);
  systemTrusted = await system.issue({ subject: "CN=client" });
  identity = await root.issue({ subject: "CN=client" });
  edge = await startTestEdge({
    accounts: {
      acme: { domains: [HOST], caCertificates: { root } },
      globex: { domains: [OTHER_HOST], caCertificates: { other } },
      initech: { domains: ["empty.test"] },
    },
  });
});
afterAll(() => edge[Symbol.asyncDispose]());

const statusOf = (answer: string) => Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
const send = (lines: string[], options: Parameters<typeof sendRaw>[2] = {}) =>
  sendRaw(edge, [...lines, "connection: close", "", ""].join("\r\n"), options);

describe("a Host that is the server name in another spelling is served under the one spelling", () => {
  it.each([
    ["A.TEST", "a.test"],
    ["a.test.", "a.test"],
    ["a.test:8443", "a.test:8443"],
    ["A.Test.:443", "a.test:443"],
    ["a.test:", "a.test"],
  ])("%s", async (host, forwarded) => {
    const answer = await ask(edge, { identity, headers: { host } });
    expect(answer.status).toBe(200);
    expect(answer.seen().headers).toMatchObject({ host: forwarded, "x-forwarded-host": forwarded });
    expect((await edge.readAssertion(answer.seen().headers)).audience).toBe(HOST);
  });

  it.each(["A.TEST", "a.test."])("also when the client says it so in the handshake: %s", async (hostname) => {
    const { tlsClientAuth } = await askForAssertion(edge, { hostname, identity, tls: { rejectUnauthorized: false } });
    expect(tlsClientAuth.certVerified).toBe("SUCCESS");
  });
});

describe("421 and the end of the connection", () => {
  it.each([
    ["a domain of another account", OTHER_HOST],
    ["a name that nobody has", "nobody.test"],
    ["a name below", "x.a.test"],
    ["an address", "127.0.0.1:8443"],
    ["localhost", "localhost"],
  ])("for the Host of %s", async (_, host) => {
    const before = edge.upstream.requests.length;
    const answer = await ask(edge, { identity, headers: { host } });
    expect(answer.status).toBe(421);
    expect(answer.headers.connection).toBe("close");
    expect(answer.problem()).toMatchObject({ code: "misdirected_request", status: 421, instance: "/" });
    expect(edge.upstream.requests).toHaveLength(before);
  });

  it("for a server name that nobody has, after a handshake like any other", async () => {
    const answer = await ask(edge, { hostname: "nobody.test", identity, tls: { rejectUnauthorized: false } });
    expect(answer.problem()).toMatchObject({ code: "misdirected_request" });
    expect((await edge.waitForLog("request")).at(-1)).toMatchObject({
      status: 421,
      host: "nobody.test",
      verdict: "FAILED",
      reason: "no CA certificate applies to this server name",
    });
  });

  it.each(["a b", "a..b", "-", "münchen.test", `${"a".repeat(64)}.test`, "*.test", "a.test\u0000.b.test"])(
    "for a server name that is no host name: %j",
    async (servername) => {
      const { socket, received } = await openTcp(edge);
      const hello = await recordClientHello({ servername: "x".repeat(Buffer.byteLength(servername)) });
      const placeholder = hello.indexOf("x".repeat(Buffer.byteLength(servername)));
      hello.write(servername, placeholder);
      socket.write(hello);
      // A server hello, or an alert: in any case the edge goes on
      await until(() => received().length > 0);
      socket.destroy();
      expect((await ask(edge)).status).toBe(200);
    },
  );
});

describe("400 and the end of the connection", () => {
  it.each([
    ["no Host", ["GET / HTTP/1.1"]],
    ["no Host in HTTP/1.0", ["GET / HTTP/1.0"]],
    ["two Hosts that differ", ["GET / HTTP/1.1", `host: ${HOST}`, `host: ${OTHER_HOST}`]],
    ["two Hosts that are the same", ["GET / HTTP/1.1", `host: ${HOST}`, `host: ${HOST}`]],
    ["two Hosts in one line", ["GET / HTTP/1.1", `host: ${HOST}, ${HOST}`]],
    ["an empty Host", ["GET / HTTP/1.1", "host:"]],
    ["user information in Host", ["GET / HTTP/1.1", `host: me@${HOST}`]],
    ["a path in Host", ["GET / HTTP/1.1", `host: ${HOST}/x`]],
    ["an IPv6 literal", ["GET / HTTP/1.1", "host: [::1]"]],
    ["a port that cannot be", ["GET / HTTP/1.1", `host: ${HOST}:70000`]],
    ["an absolute-form target of another host", [`GET https://${OTHER_HOST}/ HTTP/1.1`, `host: ${HOST}`]],
    ["a Host of another host than the target", [`GET https://${HOST}/ HTTP/1.1`, `host: ${OTHER_HOST}`]],
    ["user information in the target", [`GET https://${OTHER_HOST}@${HOST}/ HTTP/1.1`, `host: ${HOST}`]],
    ["a target that is no URL", ["GET a.test HTTP/1.1", `host: ${HOST}`]],
    ["a target of another scheme", [`GET ftp://${HOST}/ HTTP/1.1`, `host: ${HOST}`]],
  ])("for %s", async (_, lines) => {
    const before = edge.upstream.requests.length;
    const answer = await send(lines);
    expect(statusOf(answer)).toBe(400);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(edge.upstream.requests).toHaveLength(before);
  });
});

it.each([
  [`https://${HOST}/p?q`, "/p?q"],
  [`HTTP://A.TEST:8443/p`, "/p"],
  [`https://${HOST}?q`, "/?q"],
  [`https://${HOST}`, "/"],
  ["//b.test/p", "//b.test/p"],
])("an absolute-form target of the same host is its path: %s", async (target, path) => {
  const answer = await send([`GET ${target} HTTP/1.1`, `host: ${HOST}`]);
  expect(statusOf(answer)).toBe(200);
  expect(edge.upstream.requests.at(-1)?.url).toBe(path);
});

it("CONNECT opens no tunnel", async () => {
  const answer = await send([`CONNECT ${HOST}:443 HTTP/1.1`, `host: ${HOST}`]);
  expect(answer).not.toMatch(/^HTTP\/1.1 2/);
});

describe("HTTP/2", () => {
  it("takes :authority alone, and host beside it when both are the same", async () => {
    const session = await connectHttp2(edge, { identity });
    expect((await askHttp2(session)).seen().headers.host).toBe(HOST);
    expect((await askHttp2(session, { host: HOST })).status).toBe(200);
    session.destroy();
  });

  it.each([
    ["another :authority", { ":authority": OTHER_HOST }, 421],
    ["a host that is not the :authority", { host: OTHER_HOST }, 400],
  ])("refuses %s and goes away", async (_, headers, status) => {
    const before = edge.upstream.requests.length;
    const session = await connectHttp2(edge, { identity });
    const goneAway = once(session, "goaway");
    expect((await askHttp2(session, headers)).status).toBe(status);
    await goneAway;
    expect(edge.upstream.requests).toHaveLength(before);
  });
});

describe("without a server name", () => {
  it("only the default domain is served", async () => {
    expect((await ask(edge, { hostname: "" })).status).toBe(200);
    expect((await ask(edge, { hostname: "", headers: { host: OTHER_HOST } })).status).toBe(421);
  });

  it("a certificate of the default domain's CA does not verify", async () => {
    const { tlsClientAuth, audience } = await askForAssertion(edge, { hostname: "", identity });
    expect(audience).toBe(HOST);
    expect(tlsClientAuth.certVerified).toBe("FAILED:no CA certificate applies to this server name");
  });

  it("curl that asks for an address is misdirected, over a certificate that it can verify", async () => {
    await using folder = await createWorkFolder();
    const { stdout } = await curl(
      edge,
      folder,
      ["--output", folder.path("answer"), "--write-out", "%{http_code}"],
      "127.0.0.1",
    );
    expect(stdout).toBe("421");
    expect(JSON.parse(await readFile(folder.path("answer"), "utf8"))).toMatchObject({ code: "misdirected_request" });
  });
});

describe("what this machine trusts", () => {
  it("would make a client verified on a server that names no CA", async () => {
    const { certificatePem: cert, keyPem: key } = systemTrusted;
    const server = createTlsServer({ cert, key, requestCert: true, rejectUnauthorized: false });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connectSocket({ port, host: "127.0.0.1", cert, key, rejectUnauthorized: false });
    const [socket] = await once(server, "secureConnection");
    expect(socket.authorized).toBe(true);
    client.destroy();
    server.close();
  });

  it.each([HOST, "empty.test", "", "nobody.test"])(
    "does not make a client verified: server name %j",
    async (hostname) => {
      const tls = { rejectUnauthorized: false };
      const answer = await ask(edge, { hostname, identity: systemTrusted, tls });
      expect((await edge.waitForLog("request")).at(-1)).toMatchObject({ status: answer.status, verdict: "FAILED" });
    },
  );
});

it("a ClientHello in pieces is one ClientHello", async () => {
  const { socket, received } = await openTcp(edge);
  const hello = await recordClientHello({ servername: HOST });
  for (const byte of hello) {
    socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await until(() => received()[0] === 0x16);
  socket.destroy();
});
