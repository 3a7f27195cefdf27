/** The policy as a client and a handler meet it (RFC 6750, RFC 8705), and what a thief of tokens tries. */
import { base64url, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/contract/project.ts";
import type { TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import { ZuploRequest } from "../../src/runtime/index.ts";
import { AUDIENCE, claimsFor, createSigningKey, ISSUER, NOW_SECONDS, signToken } from "./access-tokens.ts";
import { captureConsole } from "./console.ts";
import {
  assertionFor,
  EDGE_VARIABLES,
  echo,
  FINGERPRINT,
  mtlsPolicy,
  project,
  route,
  runtimePolicy,
  sign,
  startWorker,
  throughEdge,
  userPolicy,
  verifiedClient,
} from "./support.ts";

const log = captureConsole();
afterEach(() => void vi.restoreAllMocks());

const key = await createSigningKey("key-1");
const otherKey = await createSigningKey("key-1");
const OPTIONS: JsonObject = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.jwk as JsonObject] } };
const client = verifiedClient();
const RIGHT = claimsFor(FINGERPRINT);

interface Parts {
  options?: JsonObject;
  client?: TlsClientAuth;
  headers?: HeadersInit;
  path?: string;
  inbound?: string[];
  before?: (request: ZuploRequest) => ZuploRequest;
  variables?: Record<string, unknown>;
}

async function send({ options = OPTIONS, client: tls = client, headers = {}, path = "/", ...parts }: Parts) {
  const definition = project({
    routes: [route("/", { inbound: parts.inbound ?? ["token"] })],
    policies: [
      runtimePolicy("token", "CertificateBoundTokenInboundPolicy", options),
      mtlsPolicy("mtls", { allowUnauthenticatedRequests: true }),
      userPolicy("before"),
    ],
  });
  const modules = { "./modules/handler": { default: echo }, "./modules/policies": { before: parts.before ?? echo } };
  const variables = parts.variables ?? EDGE_VARIABLES;
  const environment = String(variables.SALLYPORT_ENVIRONMENT);
  const token = await sign(assertionFor(tls, { environment }));
  const response = await startWorker(definition, modules, { variables }).fetch(throughEdge(path, token, { headers }));
  const body = await response.json<{ user?: ZuploRequest["user"]; code?: string; reason?: string; hint?: string }>();
  return { status: response.status, challenge: response.headers.get("www-authenticate"), body };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const sendToken = (token: string, parts: Parts = {}) => send({ headers: bearer(token), ...parts });
const sendClaims = async (claims: JWTPayload, parts: Parts = {}) => sendToken(await signToken(claims, key), parts);

/** RFC 6750, section 3: for resource servers that rejected a token. */
const INVALID_TOKEN = expect.stringMatching(/^Bearer error="invalid_token", error_description="[^"\\]+"$/);

const expectRejected = (answer: Awaited<ReturnType<typeof send>>, reason: string) =>
  expect(answer).toMatchObject({
    status: 401,
    challenge: INVALID_TOKEN,
    body: { code: "access_token_rejected", reason: expect.stringContaining(reason), hint: expect.any(String) },
  });

describe("a token that is bound to the client's certificate", () => {
  it("makes its subject the user, with its claims", async () => {
    const { status, body } = await sendClaims({ ...RIGHT, scope: "read" });
    expect([status, body.user]).toEqual([200, { sub: "user-7", data: { ...RIGHT, scope: "read" } }]);
  });

  it.each(["bearer", "BEARER", "bEaReR", "Bearer "])("is taken after the scheme %s", async (scheme) => {
    const headers = { AUTHORIZATION: `${scheme} ${await signToken(RIGHT, key)}` };
    expect((await send({ headers })).status).toBe(200);
  });

  it("names one of several audiences", async () => {
    const claims = { ...RIGHT, aud: ["https://other.example", AUDIENCE] };
    expect((await sendClaims(claims)).status).toBe(200);
    expect((await sendClaims(RIGHT, { options: { ...OPTIONS, audience: ["x", AUDIENCE] } })).status).toBe(200);
  });

  it("needs no sub to be accepted", async () => {
    const { sub: _, ...claims } = RIGHT;
    expect((await sendClaims(claims)).body.user).toEqual({ data: claims });
  });

  it.each([[["token", "mtls"]], [["mtls", "token"]]])(
    "and mtls-auth-inbound attach both, in order %o",
    async (inbound) => {
      const { body } = await sendClaims({ ...RIGHT, mtlsAuth: { subject: "CN=forged", verified: true } }, { inbound });
      expect(body.user).toMatchObject({
        sub: "user-7",
        data: { aud: AUDIENCE, mtlsAuth: { subject: "CN=client,O=Example,C=US", verified: true } },
      });
    },
  );

  it("cannot say what only the gateway says of a certificate", async () => {
    const { body } = await sendClaims({ ...RIGHT, mtlsAuth: { subject: "CN=forged", verified: true } });
    expect(body.user?.data).toEqual(RIGHT);
  });

  it("keeps what an earlier policy attached", async () => {
    const before = (request: ZuploRequest) => new ZuploRequest(request, { user: { sub: "a", data: { plan: "gold" } } });
    const { body } = await sendClaims(RIGHT, { before, inbound: ["before", "token"] });
    expect(body.user).toEqual({ sub: "user-7", data: { plan: "gold", ...RIGHT } });
  });
});

describe("RFC 8705, Appendix A", () => {
  const CERTIFICATE =
    "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=";
  const THUMBPRINT = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

  it("the example's thumbprint is the one of the example's certificate", async () => {
    const der = Uint8Array.from(atob(CERTIFICATE), (character) => character.charCodeAt(0));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
    const certFingerprintSHA256 = [...digest].map((octet) => octet.toString(16).padStart(2, "0")).join("");
    const tls = { ...client, certFingerprintSHA256, certRFC9440: `:${CERTIFICATE}:` };
    const bound = (thumbprint: string) => sendClaims({ ...RIGHT, cnf: { "x5t#S256": thumbprint } }, { client: tls });
    expect((await bound(THUMBPRINT)).status).toBe(200);
    expect((await bound(`${THUMBPRINT}=`)).status).toBe(401);
    expect((await bound(THUMBPRINT.toLowerCase())).status).toBe(401);
  });
});

describe("a stolen or forged token is rejected", () => {
  const thief = { ...client, certFingerprintSHA256: "cd".repeat(32) };

  it("of another certificate", async () => {
    expectRejected(await sendClaims(RIGHT, { client: thief }), "bound to another client certificate");
  });

  it.each<[string, unknown]>([
    ["without cnf", undefined],
    ["bound to a key (RFC 9449)", { jkt: "x" }],
    ["with cnf that is no object", "x5t#S256"],
    ["with cnf null", null],
    ["with a thumbprint that is no text", { "x5t#S256": [RIGHT.cnf] }],
  ])("%s", async (_, cnf) => {
    expectRejected(await sendClaims({ ...RIGHT, cnf }), "not bound to a client certificate");
  });

  it.each<[string, JWTPayload, string]>([
    ["expired", { exp: NOW_SECONDS - 6 }, '"exp"'],
    ["without exp", { exp: undefined as never }, '"exp"'],
    ["not yet valid", { nbf: NOW_SECONDS + 6 }, '"nbf"'],
    ["for another API", { aud: "https://other.example" }, '"aud"'],
    ["without aud", { aud: undefined as never }, '"aud"'],
    ["of another issuer", { iss: "https://login.example" }, '"iss"'],
    ["of an issuer with one more slash", { iss: `${ISSUER}/` }, '"iss"'],
    ["without iss", { iss: undefined as never }, '"iss"'],
  ])("%s", async (_, claims, reason) => {
    expectRejected(await sendClaims({ ...RIGHT, ...claims }), reason);
  });

  it("but not within the tolerance of the clocks, which is the option's", async () => {
    const late = { ...RIGHT, exp: NOW_SECONDS - 4, nbf: NOW_SECONDS + 4 };
    expect((await sendClaims(late)).status).toBe(200);
    expect((await sendClaims(late, { options: { ...OPTIONS, clockToleranceSeconds: 0 } })).status).toBe(401);
  });

  it("signed by a key that is not in the set", async () => {
    expectRejected(await sendToken(await signToken(RIGHT, otherKey)), "signature verification failed");
    const unknown = { ...otherKey, jwk: { ...otherKey.jwk, kid: "unknown" } };
    expectRejected(await sendToken(await signToken(RIGHT, unknown)), "no applicable key");
  });

  it("with a key of its own in the header", async () => {
    const header = { jwk: otherKey.jwk, jku: "https://evil.example/keys" };
    expectRejected(await sendToken(await signToken(RIGHT, otherKey, header)), "signature verification failed");
  });

  it("not signed at all", async () => {
    expectRejected(await sendToken(new UnsecuredJWT(RIGHT).encode()), '"alg"');
    const [, payload] = (await signToken(RIGHT, key)).split(".");
    expectRejected(await sendToken(`${base64url.encode('{"alg":"none"}')}.${payload}.x`), '"alg"');
  });

  it("signed with the public key as the secret of a MAC", async () => {
    for (const secret of [JSON.stringify(key.jwk), key.jwk.x ?? ""]) {
      const token = new SignJWT(RIGHT).setProtectedHeader({ alg: "HS256", kid: "key-1" });
      expectRejected(await sendToken(await token.sign(new TextEncoder().encode(secret.padEnd(32)))), '"alg"');
    }
  });

  it("with an algorithm that is not allowed", async () => {
    expectRejected(await sendClaims(RIGHT, { options: { ...OPTIONS, algorithms: ["RS256"] } }), '"alg"');
    expect((await sendClaims(RIGHT, { options: { ...OPTIONS, algorithms: ["RS256", "ES256"] } })).status).toBe(200);
  });

  it.each(["x", "a.b.c", "a.b.c.d.e"])("that is no signed JWT: %s", async (token) => {
    expectRejected(await sendToken(token), "");
  });
});

describe("a client certificate that did not verify is of no use, with the right thumbprint", () => {
  it.each<[string, Partial<TlsClientAuth>, string, string]>([
    ["expired", { certVerified: "FAILED:certificate has expired" }, "client_certificate_rejected", "has expired"],
    ["revoked", { certRevoked: "1" }, "client_certificate_rejected", "revoked"],
    ["not presented", { certPresented: "0", certVerified: "NONE" }, "client_certificate_required", "no client cert"],
    ["without a fingerprint", { certFingerprintSHA256: "" }, "client_certificate_rejected", "cannot be read"],
  ])("%s", async (_, parts, code, reason) => {
    const answer = await sendClaims(RIGHT, { client: { ...client, ...parts } });
    expect(answer).toMatchObject({ status: 401, challenge: INVALID_TOKEN });
    expect(answer.body).toMatchObject({ code, reason: expect.stringContaining(reason) });
  });
});

describe("requests without one token (RFC 6750, section 3.1)", () => {
  it.each<[string, HeadersInit, string]>([
    ["no header", {}, "/"],
    ["another scheme", { authorization: "Basic dTpw" }, "/"],
    ["a scheme that begins alike", { authorization: "BearerX abc" }, "/"],
    ["a token in the query alone", {}, "/?access_token=x"],
  ])("are asked for one, without an error code: %s", async (_, headers, path) => {
    const answer = await send({ headers, path });
    expect(answer).toMatchObject({ status: 401, challenge: "Bearer", body: { code: "access_token_required" } });
  });

  it.each<[string, (token: string) => HeadersInit, string]>([
    [
      "two tokens",
      (token) => [
        ["authorization", `Bearer ${token}`],
        ["authorization", "Bearer x"],
      ],
      "/",
    ],
    [
      "one token twice",
      (token) => [
        ["authorization", `Bearer ${token}`],
        ["Authorization", `Bearer ${token}`],
      ],
      "/",
    ],
    [
      "a password before it",
      (token) => [
        ["authorization", "Basic dTpw"],
        ["authorization", `Bearer ${token}`],
      ],
      "/",
    ],
    [
      "a password after it",
      (token) => [
        ["authorization", `Bearer ${token}`],
        ["authorization", "Basic dTpw"],
      ],
      "/",
    ],
    ["another token in the query", bearer, "/?access_token=x"],
    ["no token after the scheme", () => ({ authorization: "Bearer" }), "/"],
    ["text after the token", (token) => ({ authorization: `Bearer ${token} x` }), "/"],
  ])("are malformed with %s", async (_, headers, path) => {
    const answer = await send({ headers: headers(await signToken(RIGHT, key)), path });
    expect(answer).toMatchObject({ status: 400, body: { code: "bad_request" } });
    expect(answer.challenge).toMatch(/^Bearer error="invalid_request", error_description="[^"\\]+"$/);
  });
});

describe("the project is not served with a variable that is not set", () => {
  it.each<[string, JsonObject]>([
    ["issuer", { issuer: "$env(UNSET)" }],
    ["jwksUrl", { jwksUrl: "$env(UNSET)" }],
    ["audience", { audience: "$env(UNSET)" }],
    ["algorithms", { algorithms: "$env(UNSET)" }],
  ])("for %s", async (option, parts) => {
    const { body } = await sendClaims(RIGHT, { options: { ...OPTIONS, ...parts } });
    expect(body).toMatchObject({
      code: "configuration_invalid",
      reason: expect.stringContaining(`options.${option}`),
    });
  });
});

it("outside development the answer does not say which check failed, the log does", async () => {
  const variables = { ...EDGE_VARIABLES, SALLYPORT_ENVIRONMENT: "production" };
  const { body } = await sendClaims({ ...RIGHT, exp: 1 }, { variables });
  expect(body).not.toHaveProperty("reason");
  expect(body).not.toHaveProperty("hint");
  expect(log).toMatchObject([
    { level: "warn", message: "access token rejected", data: { policy: "token", sha256Fingerprint: FINGERPRINT } },
  ]);
  expect(JSON.stringify(log)).toContain('\\"exp\\"');
});
