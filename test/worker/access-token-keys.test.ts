/** Where keys for access tokens come from, and that nobody passes while they cannot be had. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/contract/project.ts";
import { KEYS_MAX_BYTES, KEYS_TIMEOUT_MS } from "../../src/policies/access-token-keys.ts";
import { AUDIENCE, claimsFor, createSigningKey, hang, ISSUER, JWKS_URL, serve, signToken } from "./access-tokens.ts";
import { captureConsole } from "./console.ts";
import {
  assertionFor,
  echo,
  FINGERPRINT,
  project,
  route,
  runtimePolicy,
  sign,
  startWorker,
  throughEdge,
  verifiedClient,
} from "./support.ts";

const log = captureConsole();
afterEach(() => void vi.restoreAllMocks());

const key = await createSigningKey("key-1");
const newKey = await createSigningKey("key-2");
const KEYS = { keys: [key.jwk] };
const OIDC = `${ISSUER}/.well-known/openid-configuration`;
const RFC_8414 = "https://login.example/.well-known/oauth-authorization-server/tenant";
const METADATA = { issuer: ISSUER, jwks_uri: JWKS_URL };

function start(source: JsonObject) {
  const options = { audience: AUDIENCE, ...source };
  const worker = startWorker(
    project({
      routes: [route("/", { inbound: ["token"] })],
      policies: [runtimePolicy("token", "CertificateBoundTokenInboundPolicy", options)],
    }),
    { "./modules/handler": { default: echo } },
  );
  return async function ask(signer = key, tls = verifiedClient()) {
    const headers = { authorization: `Bearer ${await signToken(claimsFor(FINGERPRINT), signer)}` };
    const response = await worker.fetch(throughEdge("/", await sign(assertionFor(tls)), { headers }));
    const { code, reason } = await response.json<{ code?: string; reason?: string }>();
    return { status: response.status, code, reason, headers: response.headers };
  };
}

const passes = { status: 200 };
const unavailable = (reason: string) => ({
  status: 503,
  code: "access_token_keys_unavailable",
  reason: expect.stringContaining(reason),
});

describe("keys are found", () => {
  it("at jwksUrl", async () => {
    serve({ [JWKS_URL]: KEYS });
    expect(await start({ jwksUrl: JWKS_URL })()).toMatchObject(passes);
    expect(await start({ jwksUrl: JWKS_URL, issuer: ISSUER })()).toMatchObject(passes);
    const other = await start({ jwksUrl: JWKS_URL, issuer: "https://other.example" })();
    expect(other).toMatchObject({ status: 401, reason: expect.stringContaining('"iss"') });
  });

  it.each([[OIDC], [RFC_8414]])("by the issuer's metadata at %s", async (url) => {
    serve({ [url]: METADATA, [JWKS_URL]: KEYS });
    expect(await start({ issuer: ISSUER })()).toMatchObject(passes);
  });

  it("by the metadata of an issuer that ends with a slash", async () => {
    const issuer = "https://login.example/";
    serve({
      "https://login.example/.well-known/openid-configuration": { issuer, jwks_uri: JWKS_URL },
      [JWKS_URL]: KEYS,
    });
    expect(await start({ issuer })()).toMatchObject({ status: 401, reason: expect.stringContaining('"iss"') });
  });
});

describe("keys are kept", () => {
  it("for requests to come, and asked for again when they are old", async () => {
    const fetched = serve({ [JWKS_URL]: KEYS });
    const ask = start({ jwksUrl: JWKS_URL });
    for (let count = 0; count < 3; count += 1) expect(await ask()).toMatchObject(passes);
    expect(fetched).toHaveBeenCalledTimes(1);
    const later = Date.now() + 11 * 60_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    serve({ [JWKS_URL]: { keys: [newKey.jwk] } });
    expect(await ask()).toMatchObject({ status: 401 });
    expect(await ask(newKey)).toMatchObject(passes);
  });

  it("and a key id that is not among them is looked for once in a while, not with every token", async () => {
    const fetched = serve({ [JWKS_URL]: KEYS });
    const ask = start({ jwksUrl: JWKS_URL });
    expect(await ask()).toMatchObject(passes);
    for (let count = 0; count < 5; count += 1) expect(await ask(newKey)).toMatchObject({ status: 401 });
    expect(fetched).toHaveBeenCalledTimes(1);
    const later = Date.now() + 31_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    serve({ [JWKS_URL]: { keys: [key.jwk, newKey.jwk] } });
    expect(await ask(newKey)).toMatchObject(passes);
  });

  it("and not asked for at all by a client without a verified certificate", async () => {
    const fetched = serve({ [JWKS_URL]: KEYS });
    const stranger = verifiedClient({ certVerified: "FAILED:self-signed certificate" });
    expect(await start({ jwksUrl: JWKS_URL })(key, stranger)).toMatchObject({ status: 401 });
    expect(fetched).not.toHaveBeenCalled();
  });
});

describe("nobody passes while the keys", () => {
  const endless = () =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(KEYS_MAX_BYTES / 2).fill(0x20)) }),
    );
  const redirect = () => new Response(null, { status: 302, headers: { location: "https://other.example/keys" } });
  const silent = (signal: AbortSignal | null | undefined) =>
    new Response(
      new ReadableStream({
        start: (controller) => signal?.addEventListener("abort", () => controller.error(signal.reason)),
      }),
    );
  const down = () => Promise.reject(new Error("Network connection lost."));
  const large = { ...KEYS, padding: "x".repeat(KEYS_MAX_BYTES) };
  const secret = { keys: [{ kty: "oct", k: "c2VjcmV0", kid: "key-1" }] };
  const { y: _, ...broken } = key.jwk;

  it.each([
    ["cannot be reached", down, "Network connection lost"],
    ["are not found", undefined, "404"],
    ["fail", () => Response.json(KEYS, { status: 500 }), "500"],
    ["are elsewhere", redirect, "302"],
    ["have no end", endless, "too large"],
    ["are too many", large, "too large"],
    ["are no JSON", () => new Response("<html>"), "JSON"],
    ["are no key set", { keys: "none" }, "malformed"],
    ["are broken", { keys: [broken] }, "are not available"],
  ])("%s", async (_, answer, reason) => {
    serve({ ...(answer && { [JWKS_URL]: answer }), "https://other.example/keys": KEYS });
    const answered = await start({ jwksUrl: JWKS_URL })();
    expect(answered).toMatchObject(unavailable(reason));
    expect(answered.headers.get("retry-after")).toBe("5");
    expect(answered.headers.get("www-authenticate")).toBeNull();
    expect(log).toMatchObject([{ level: "error", message: "access token not verified" }]);
  });

  it.each([
    ["no answer", hang],
    ["an answer without an end", silent],
  ])("do not come, with %s", async (_, answer) => {
    serve({ [JWKS_URL]: answer });
    const started = Date.now();
    expect(await start({ jwksUrl: JWKS_URL })()).toMatchObject(unavailable("of https://login.example/keys"));
    expect(Date.now() - started).toBeLessThan(KEYS_TIMEOUT_MS + 2_000);
  });

  it("are secrets and no public keys", async () => {
    serve({ [JWKS_URL]: secret });
    expect((await start({ jwksUrl: JWKS_URL })()).status).toBe(401);
  });

  it("were away a moment ago: then at once, and not with one more request each", async () => {
    const fetched = serve({ [JWKS_URL]: down });
    const ask = start({ jwksUrl: JWKS_URL });
    for (let count = 0; count < 3; count += 1) expect(await ask()).toMatchObject(unavailable("Network"));
    expect(fetched).toHaveBeenCalledTimes(1);
    const later = Date.now() + 6_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    serve({ [JWKS_URL]: KEYS });
    expect(await ask()).toMatchObject(passes);
  });

  it.each<[string, object, string]>([
    [
      "are of another issuer",
      { ...METADATA, issuer: "https://login.example" },
      'of the issuer "https://login.example"',
    ],
    ["are over plain HTTP", { ...METADATA, jwks_uri: "http://login.example/keys" }, "not a jwks_uri"],
    ["are on this machine", { ...METADATA, jwks_uri: "http://127.0.0.1/keys" }, "not a jwks_uri"],
    ["are not named", { issuer: ISSUER }, "jwks_uri"],
  ])("%s, as the issuer's metadata say", async (_, metadata, reason) => {
    serve({ [OIDC]: metadata, [JWKS_URL]: KEYS, "http://login.example/keys": KEYS, "http://127.0.0.1/keys": KEYS });
    expect(await start({ issuer: ISSUER })()).toMatchObject(unavailable(reason));
  });
});
