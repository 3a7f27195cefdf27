/**
 * Rule 4 of the verdict: whatever names the host must be the TLS server name of an active domain. What an attacker tries
 * is in test/security/host-and-sni.test.ts.
 */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  connect as connectSocket,
  createServer as createTlsServer,
  getCACertificates,
  setDefaultCACertificates,
} from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority, type IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { ask, sendRaw } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
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

describe("a server name", () => {
  it("that nobody has is a 421, after a handshake like any other", async () => {
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
    "that is no host name is no harm: %j",
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
