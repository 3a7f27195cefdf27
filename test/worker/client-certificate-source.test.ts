/** Where the worker takes client-certificate truth from, and everything that must not pass for it. */
import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import { captureConsole } from "./console.ts";
import {
  assertionFor,
  CLOUDFLARE_VARIABLES,
  createSigningKey,
  EDGE_VARIABLES,
  echo,
  edgeKey,
  edgePrivateJwk,
  edgePublicJwk,
  HOST,
  ISSUER,
  mtlsPolicy,
  NOW,
  project,
  route,
  sign,
  startWorker,
  type TestWorker,
  throughEdge,
  verifiedClient,
} from "./support.ts";

const log = captureConsole();

const definition = project({
  routes: [route("/open"), route("/", { inbound: ["mtls"] })],
  policies: [mtlsPolicy("mtls", { certIssuerDN: ISSUER })],
});

function start(variables: Record<string, unknown> = EDGE_VARIABLES, now = () => NOW): TestWorker {
  return startWorker(definition, { "./modules/handler": { default: echo } }, { variables, now });
}

interface Seen {
  url: string;
  headers: Record<string, string>;
  properties: Record<string, unknown>;
  cf: unknown;
  reason?: string;
  code?: string;
}

async function ask(worker: TestWorker, request: Request) {
  const response = await worker.fetch(request);
  return { status: response.status, headers: response.headers, body: await response.json<Seen>() };
}

function withCf(path: string, cf: Record<string, unknown>, headers: Record<string, string> = {}): Request {
  return new Request(`http://${HOST}${path}`, { headers: { host: HOST, ...headers }, cf } as RequestInit);
}

describe("behind the edge", () => {
  it("shows the connection as the assertion states it", async () => {
    const { body } = await ask(start(), throughEdge("/open", await sign(assertionFor(verifiedClient()))));
    expect(body.properties).toEqual({
      httpProtocol: "HTTP/2",
      clientCert: ":AAAA:",
      clientMtlsVerificationStatus: "SUCCESS",
      clientMtlsVerificationReason: "",
    });
  });

  it("shows the URL that the client asked for", async () => {
    const token = await sign(assertionFor(verifiedClient()));
    const request = throughEdge("/open?a=%20b", token, { headers: { host: `${HOST.toUpperCase()}:8443` } });
    expect((await ask(start(), request)).body.url).toBe(`https://${HOST}:8443/open?a=%20b`);
  });

  it("shows user code no header of ours, and all others", async () => {
    const headers = { "Sallyport-Edge-Assertion-2": "x", "x-forwarded-for": "192.0.2.1", "x-mine": "1" };
    const { body } = await ask(start(), throughEdge("/open", await sign(assertionFor(verifiedClient())), { headers }));
    expect(Object.keys(body.headers).filter((name) => name.startsWith("sallyport-"))).toEqual([]);
    expect(body.headers).toMatchObject({ "x-forwarded-for": "192.0.2.1", "x-mine": "1" });
  });

  it("takes the request id of the edge, and only of the edge", async () => {
    const headers = { "sallyport-request-id": "from-the-edge" };
    const token = await sign(assertionFor(verifiedClient()));
    const known = await ask(start(), throughEdge("/open", token, { headers }));
    expect(known.headers.get("zp-rid")).toBe("from-the-edge");
    expect(known.headers.get("sallyport-request-id")).toBe("from-the-edge");
    const unknown = await ask(start(), throughEdge("/open", "forged", { headers }));
    expect(unknown.headers.get("zp-rid")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("ignores a forged request.cf and does not show it", async () => {
    const forged = withCf("/open", { tlsClientAuth: verifiedClient(), country: "XX", httpProtocol: "HTTP/3" });
    const { body } = await ask(start(), forged);
    expect(body.properties).toMatchObject({ clientMtlsVerificationStatus: "NONE", clientCert: "" });
    expect(body.properties).not.toHaveProperty("country");
    expect(JSON.stringify(body.cf ?? {})).not.toContain("tlsClientAuth");
    expect((await ask(start(), withCf("/", { tlsClientAuth: verifiedClient() }))).status).toBe(401);
  });

  it("says that a request without an assertion did not come through the edge", async () => {
    const { status, body } = await ask(start(), new Request(`http://${HOST}/`));
    expect(status).toBe(401);
    expect(body).toMatchObject({
      code: "client_certificate_required",
      reason: "no edge assertion: the request did not come through the edge",
    });
  });
});

describe("an assertion that is not believed", () => {
  async function expectRefusal(request: Request, reason: RegExp, worker = start()) {
    const { status, body } = await ask(worker, request);
    expect(status).toBe(401);
    expect(body.code).toBe("client_certificate_rejected");
    expect(body.reason).toMatch(reason);
    expect(log.map(({ level, message }) => `${level} ${message}`)).toContain("warn edge assertion refused");
  }

  const encode = (value: unknown) =>
    btoa(JSON.stringify(value)).replace(/[=]+$/, "").replaceAll("+", "-").replaceAll("/", "_");

  it("is altered", async () => {
    const [header, , signature] = (await sign(assertionFor(verifiedClient()))).split(".");
    await expectRefusal(throughEdge("/", `${header}.${encode({ aud: HOST })}.${signature}`), /signature/);
  });

  it("is not a JWS", async () => {
    await expectRefusal(throughEdge("/", "not.a.jws"), /malformed/);
    await expectRefusal(throughEdge("/", "x".repeat(20_000)), /malformed/);
  });

  it("has alg none", async () => {
    const [, payload] = (await sign(assertionFor(verifiedClient()))).split(".");
    const header = encode({ alg: "none", typ: "edge-assertion+jwt", kid: edgeKey.keyId });
    await expectRefusal(throughEdge("/", `${header}.${payload}.`), /edge assertion/);
  });

  it("has alg HS256 with the public key as the secret", async () => {
    const { audience, ...claims } = assertionFor(verifiedClient());
    const token = await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: "HS256", typ: "edge-assertion+jwt", kid: edgeKey.keyId })
      .setIssuer("sallyport-edge")
      .setAudience(audience)
      .setIssuedAt(NOW.getTime() / 1000)
      .setExpirationTime(NOW.getTime() / 1000 + 60)
      .sign(new TextEncoder().encode(JSON.stringify(edgePublicJwk).padEnd(64)));
    await expectRefusal(throughEdge("/", token), /signature/);
  });

  it("is signed with another key", async () => {
    const other = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
    const { signEdgeAssertion } = await import("../../src/contract/edge-assertion.ts");
    const key = createSigningKey((other as CryptoKeyPair).privateKey, edgeKey.keyId);
    const token = await signEdgeAssertion(assertionFor(verifiedClient()), key, NOW.getTime() / 1000);
    await expectRefusal(throughEdge("/", token), /signature/);
  });

  it("is one of two", async () => {
    const request = throughEdge("/", await sign(assertionFor(verifiedClient())));
    request.headers.append(EDGE_ASSERTION_HEADER, await sign(assertionFor(verifiedClient())));
    await expectRefusal(request, /more than one/);
  });

  it.each([
    ["host", { audience: "other.example.com" }],
    ["environment", { environment: "production" }],
  ])("is for another %s", async (_, parts) => {
    await expectRefusal(throughEdge("/", await sign(assertionFor(verifiedClient(), parts))), /edge assertion is for/);
  });

  it.each([
    ["account", { SALLYPORT_ACCOUNT: "acme" }],
    ["project", { SALLYPORT_PROJECT: "other" }],
  ])("is for another %s, where the worker has one", async (_, variables) => {
    const worker = start({ ...EDGE_VARIABLES, ...variables });
    await expectRefusal(throughEdge("/", await sign(assertionFor(verifiedClient()))), /edge assertion is for/, worker);
  });

  it("comes with a Host that is no host name", async () => {
    const token = await sign(assertionFor(verifiedClient()));
    await expectRefusal(throughEdge("/", token, { headers: { host: "[::1]" } }), /edge assertion is for/);
  });

  it("is from the future", async () => {
    const token = await sign(assertionFor(verifiedClient()), new Date(NOW.getTime() + 3_600_000));
    await expectRefusal(throughEdge("/", token), /edge assertion/);
  });

  it("expires while it is cached", async () => {
    let now = NOW;
    const worker = start(EDGE_VARIABLES, () => now);
    const token = await sign(assertionFor(verifiedClient()));
    expect((await ask(worker, throughEdge("/", token))).status).toBe(200);
    now = new Date(NOW.getTime() + 59_000);
    expect((await ask(worker, throughEdge("/", token))).status).toBe(200);
    now = new Date(NOW.getTime() + 66_000);
    await expectRefusal(throughEdge("/", token), /expired/, worker);
  });

  it("is replayed to another host while it is cached", async () => {
    const worker = start();
    const token = await sign(assertionFor(verifiedClient()));
    expect((await ask(worker, throughEdge("/", token))).status).toBe(200);
    const replay = throughEdge("/", token, { headers: { host: "other.example.com" } });
    await expectRefusal(replay, /edge assertion is for host/, worker);
  });

  it("does not stop a route that needs no client", async () => {
    const { status, body } = await ask(start(), throughEdge("/open", "forged"));
    expect(status).toBe(200);
    expect(body.properties).toMatchObject({ clientMtlsVerificationStatus: "FAILED", clientCert: "" });
  });
});

describe("on Cloudflare", () => {
  const worker = () => start(CLOUDFLARE_VARIABLES);

  it("reads request.cf", async () => {
    const cf = { tlsClientAuth: verifiedClient(), asn: 64496, country: "DE", httpProtocol: "HTTP/2", city: 7 };
    const { status, body } = await ask(worker(), withCf("/", cf));
    expect(status).toBe(200);
    expect(body.properties).toMatchObject({ asn: 64496, country: "DE", clientMtlsVerificationStatus: "SUCCESS" });
    expect(body.properties).not.toHaveProperty("city");
  });

  it("does not believe an edge assertion", async () => {
    const request = throughEdge("/", await sign(assertionFor(verifiedClient())));
    expect((await ask(worker(), request)).status).toBe(401);
  });

  it.each([
    ["no object", undefined, "NONE", ""],
    ["the placeholder", { certPresented: "0", certVerified: "NONE" }, "NONE", ""],
    ["a revoked certificate", verifiedClient({ certRevoked: "1" }), "FAILED", "certificate revoked"],
    ["another type for revoked", { ...verifiedClient(), certRevoked: 1 }, "FAILED", "certificate revoked"],
    [
      "a failure without a reason",
      verifiedClient({ certVerified: "FAILED" }),
      "FAILED",
      "client certificate verification failed",
    ],
    [
      "what BoringSSL says in other words",
      verifiedClient({ certVerified: "FAILED:self signed certificate in certificate chain" }),
      "FAILED",
      "self-signed certificate in certificate chain",
    ],
    [
      "an unknown word",
      { ...verifiedClient(), certVerified: "success" },
      "FAILED",
      "client certificate verification failed",
    ],
    ["no verdict", { certPresented: "1" }, "FAILED", "client certificate verification failed"],
  ])("does not verify %s", async (_, tlsClientAuth, status, reason) => {
    const { body } = await ask(worker(), withCf("/open", tlsClientAuth === undefined ? {} : { tlsClientAuth }));
    expect(body.properties).toMatchObject({
      clientMtlsVerificationStatus: status,
      clientMtlsVerificationReason: reason,
    });
  });

  it("reads hex with colons and in capitals, as some of its documents have it", async () => {
    const certFingerprintSHA256 = Array.from({ length: 32 }, () => "AB").join(":");
    const tlsClientAuth = verifiedClient({ certFingerprintSHA256, certSKI: "ab:cd" });
    const { status, body } = await ask(worker(), withCf("/", { tlsClientAuth }));
    expect(status).toBe(200);
    expect(body).toMatchObject({ user: { data: { mtlsAuth: { sha256Fingerprint: certFingerprintSHA256 } } } });
  });

  it("cannot check a pin on caCertificates, and rejects", async () => {
    const pinned = project({
      routes: [route("/", { inbound: ["mtls"] })],
      policies: [mtlsPolicy("mtls", { caCertificates: ["demo_ca"] })],
    });
    const modules = { "./modules/handler": { default: echo } };
    const pinnedWorker = startWorker(pinned, modules, { variables: CLOUDFLARE_VARIABLES });
    const { status, body } = await ask(pinnedWorker, withCf("/", { tlsClientAuth: verifiedClient() }));
    expect(status).toBe(401);
    expect(body.reason).toContain("cannot be checked here");
  });
});

describe("configuration", () => {
  const request = () => withCf("/", { tlsClientAuth: verifiedClient() }, {});

  it("without a source verifies nobody and says what to set", async () => {
    const { status, body } = await ask(start({ SALLYPORT_ENVIRONMENT: "development" }), request());
    expect(status).toBe(401);
    expect(body.reason).toContain("SALLYPORT_EDGE_JWKS");
  });

  it.each([
    ["both sources", { ...EDGE_VARIABLES, ...CLOUDFLARE_VARIABLES }, "both are set"],
    ["an unknown source", { SALLYPORT_CLIENT_CERTIFICATE_SOURCE: "nginx" }, "nginx"],
    ["a JWKS that is not JSON", { SALLYPORT_EDGE_JWKS: "{" }, "is not JSON"],
    ["an empty JWKS", { SALLYPORT_EDGE_JWKS: '{"keys":[]}' }, "SALLYPORT_EDGE_JWKS"],
    ["an empty variable", { SALLYPORT_EDGE_JWKS: "" }, "is not JSON"],
    ["a private key", { SALLYPORT_EDGE_JWKS: JSON.stringify({ keys: [edgePrivateJwk] }) }, "is a private key"],
    ["a symmetric key", { SALLYPORT_EDGE_JWKS: '{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}' }, "kty"],
  ])("with %s serves nothing", async (_, variables, problem) => {
    const worker = start({ SALLYPORT_ENVIRONMENT: "development", ...variables });
    for (const path of ["/", "/open", "/nowhere"]) {
      const { status, body } = await ask(worker, withCf(path, {}));
      expect([status, body.code]).toEqual([500, "configuration_invalid"]);
      expect(body.reason).toContain(problem);
    }
  });

  it("is production where nothing is said, and keeps its reasons to itself", async () => {
    const { status, body } = await ask(start({}), request());
    expect(status).toBe(401);
    expect(body).not.toHaveProperty("reason");
  });
});
