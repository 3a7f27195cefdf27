/** What the edge vouches for, and what it writes down: one signature a connection and verdict, one event a request. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { createEdgeAssertionVerifier } from "../../src/contract/edge-assertion.ts";
import { type AskOptions, ask, createKeepAliveAgent } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";

let root: CertificateAuthority;
let identity: IssuedCertificate;
let edge: TestEdge;
let agent: ReturnType<typeof createKeepAliveAgent>;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  identity = await (await root.issueIntermediate({ subject: "CN=intermediate" })).issue({ subject: "CN=client" });
});
beforeEach(async () => {
  edge = await startTestEdge({
    environment: "production",
    accounts: { acme: { domains: [[HOST, "shop"]], caCertificates: { demo_ca: root } } },
  });
  agent = createKeepAliveAgent();
});
afterEach(async () => {
  agent.destroy();
  await edge[Symbol.asyncDispose]();
});

const send = async (options: AskOptions = {}) => (await ask(edge, { identity, agent, ...options })).seen();
const tokenOf = async (options?: AskOptions) => (await send(options)).headers["sallyport-edge-assertion"] ?? "";

describe("the assertion", () => {
  it("states everything about the connection", async () => {
    expect(await edge.readAssertion((await send()).headers)).toEqual({
      audience: HOST,
      account: "acme",
      project: "shop",
      environment: "production",
      client: { address: "127.0.0.1", httpProtocol: "HTTP/1.1" },
      tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
      trustAnchors: [{ id: "mtlsca_demo_ca", name: "demo_ca" }],
      tlsClientAuth: expect.objectContaining({
        certPresented: "1",
        certVerified: "SUCCESS",
        certRevoked: "0",
        certSubjectDN: "CN=client",
        certIssuerDN: "CN=intermediate",
        certRFC9440: `:${identity.der.toString("base64")}:`,
        certChainRFC9440: expect.stringMatching(/^:[^:]+:$/),
      }),
    });
  });

  it("is signed once a connection, and anew on another", async () => {
    const first = await tokenOf();
    expect(await tokenOf()).toBe(first);
    edge.clock.advance(39_000);
    expect(await tokenOf({ path: "/other", method: "POST", body: "x" })).toBe(first);
    expect(await tokenOf({ agent: createKeepAliveAgent(), headers: { connection: "close" } })).not.toBe(first);
  });

  it("is renewed before it expires, and when the clock is set back", async () => {
    const first = await tokenOf();
    edge.clock.advance(40_000);
    const second = await tokenOf();
    expect(second).not.toBe(first);
    edge.clock.advance(-30_000);
    expect(await tokenOf()).not.toBe(second);
  });

  it("lives for a minute", async () => {
    const { headers } = await send();
    const verify = createEdgeAssertionVerifier(edge.jwks);
    const at = (milliseconds: number) =>
      verify(String(headers["sallyport-edge-assertion"]), new Date(edge.clock.nowMs + milliseconds));
    expect(await at(59_000)).toMatchObject({ ok: true });
    expect(await at(70_000)).toMatchObject({ ok: false, refusal: "expired" });
  });

  it("holds no private key, and neither does what the edge publishes", async () => {
    const payload = Buffer.from((await tokenOf()).split(".")[1] ?? "", "base64url").toString();
    expect(payload).not.toMatch(/PRIVATE|"d":/);
    expect(edge.jwks.keys).toHaveLength(1);
    expect(edge.jwks.keys[0]).not.toHaveProperty("d");
  });

  it("says NONE to a client without a certificate, whatever the client claims", async () => {
    const forged = await tokenOf();
    const options = { identity: undefined, agent: createKeepAliveAgent() };
    const { headers } = await send({
      ...options,
      headers: { "sallyport-edge-assertion": forged, connection: "close" },
    });
    expect((await edge.readAssertion(headers)).tlsClientAuth.certVerified).toBe("NONE");
  });
});

describe("the log", () => {
  it("has one event a request, with who, what and why", async () => {
    const { headers } = await send({ path: "/v1/x?token=secret", headers: { authorization: "Bearer secret" } });
    const [event, ...others] = await edge.waitForLog("request");
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      requestId: headers["sallyport-request-id"],
      method: "GET",
      path: "/v1/x",
      status: 200,
      durationMs: expect.any(Number),
      host: HOST,
      account: "acme",
      client: "127.0.0.1",
      protocol: "HTTP/1.1",
      tls: "TLSv1.3",
      verdict: "SUCCESS",
      trustAnchors: ["demo_ca"],
      fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
    expect(event).not.toHaveProperty("incomplete");
  });

  it("says why a certificate failed", async () => {
    const late = await root.issue({ subject: "CN=late", notBefore: new Date(0), notAfter: new Date(1) });
    await send({ identity: late });
    expect((await edge.waitForLog("request"))[0]).toMatchObject({
      verdict: "FAILED",
      reason: "certificate has expired",
      fingerprint: expect.any(String),
    });
  });

  it("holds no certificate, no key, no header value and no query", async () => {
    await send({ path: "/?secret=1", headers: { authorization: "Bearer secret" } });
    await edge.upstream.close();
    await ask(edge, { path: "/?secret=1", headers: { authorization: "Bearer secret" } });
    await edge.waitForLog("request", 2);
    const text = edge.logLines.join("");
    for (const taboo of ["secret", "BEGIN", "MII", "eyJ", identity.der.toString("base64").slice(0, 40)]) {
      expect(text).not.toContain(taboo);
    }
  });
});

it("outside development an answer of the edge does not say which check failed", async () => {
  const answer = await ask(edge, { hostname: "nobody.test", tls: { rejectUnauthorized: false } });
  expect(answer.problem()).toMatchObject({ status: 421 });
  expect(answer.problem()).not.toHaveProperty("reason");
  expect(answer.problem()).not.toHaveProperty("hint");
});
