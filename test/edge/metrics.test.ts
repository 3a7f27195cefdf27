/** What Prometheus is told. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startOperationsServer } from "../../edge-shim/operations.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { ROUTE_HEADER } from "../../src/contract/headers.ts";
import { ask, createKeepAliveAgent } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { openTcp } from "./harness/raw-handshake.ts";

const DAY_MS = 86_400_000;

let edge: TestEdge;
let root: CertificateAuthority;
beforeAll(async () => {
  root = await createCertificateAuthority({
    subject: "CN=acme-ca",
    notAfter: new Date(Math.floor(Date.now() / 1_000) * 1_000 + 5 * DAY_MS),
  });
  edge = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { acme_ca: root } } } });
  edge.upstream.onRequest = (_, response) => response.setHeader(ROUTE_HEADER, "/v1/items/%7Bid%7D").end("ok");
});
afterAll(() => edge[Symbol.asyncDispose]());

/** The samples of a metric: labels and value as they are printed. */
async function read(name: string): Promise<string[]> {
  const text = await edge.metrics.print();
  return text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

it("counts requests by route, status and verdict, and keeps the route from the client", async () => {
  const client = await root.issue({ subject: "CN=client" });
  expect((await ask(edge, { identity: client })).headers).not.toHaveProperty(ROUTE_HEADER);
  await ask(edge, { headers: { host: "else.test" } });
  await edge.waitForLog("request", 2);
  expect(await read("sallyport_requests_total")).toEqual([
    'sallyport_requests_total{route="/v1/items/%7Bid%7D",status="200",verdict="SUCCESS"} 1',
    'sallyport_requests_total{route="",status="421",verdict="NONE"} 1',
  ]);
});

it("counts what it signed: one assertion serves a connection's further requests", async () => {
  const [before = ""] = await read("sallyport_assertions_signed_total");
  const identity = await root.issue({ subject: "CN=client" });
  const agent = createKeepAliveAgent();
  for (let count = 0; count < 3; count += 1) await ask(edge, { identity, agent });
  agent.destroy();
  const [after = ""] = await read("sallyport_assertions_signed_total");
  expect(Number(after.split(" ")[1]) - Number(before.split(" ")[1])).toBe(1);
  expect(await read("sallyport_trust_version_info")).toEqual([
    expect.stringMatching(/^sallyport_trust_version_info\{version=".+"\} 1$/),
  ]);
});

it("counts handshakes by verdict and reason, and those that failed by OpenSSL's code", async () => {
  const stranger = await (await createCertificateAuthority({ subject: "CN=stranger-ca" })).issue({ subject: "CN=x" });
  await ask(edge, { identity: stranger });
  const { socket } = await openTcp(edge);
  socket.end("GET / HTTP/1.1\r\n\r\n");
  await edge.waitForLog("handshake_failed");
  const reason = "unable to get local issuer certificate";
  expect(await read("sallyport_handshakes_total")).toEqual(
    expect.arrayContaining([
      `sallyport_handshakes_total{verdict="FAILED",reason="${reason}"} 1`,
      'sallyport_handshakes_total{verdict="",reason="ERR_SSL_HTTP_REQUEST"} 1',
    ]),
  );
});

it("says when each certificate expires, and warns of it in the log once", async () => {
  const [sample] = await read("sallyport_certificate_expiry_seconds");
  expect(sample).toMatch(
    /^sallyport_certificate_expiry_seconds\{kind="ca-certificate",account="acme",name="acme_ca"\} /,
  );
  const seconds = Number(sample?.split(" ").at(-1));
  expect(Math.abs(seconds - Date.now() / 1_000 - 5 * 86_400)).toBeLessThan(3_600);
  const [event] = await edge.waitForLog("certificate_expiry");
  expect(event).toMatchObject({ level: 40, kind: "ca-certificate", account: "acme", name: "acme_ca" });
  expect(event?.msg).toBe('the ca-certificate "acme_ca" expires within 7 days');
});

it("serves them on loopback, beside health and readiness", async () => {
  const operations = await startOperationsServer({ host: "127.0.0.1", port: 0 }, () => edge.readiness(), edge.metrics);
  const base = `http://127.0.0.1:${operations.port}`;
  const response = await fetch(`${base}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toMatch(/^sallyport_trust_current 1$/m);
  expect((await fetch(`${base}/readyz`)).status).toBe(200);
  expect((await fetch(`${base}/other`)).status).toBe(404);
  await operations.close();
});
