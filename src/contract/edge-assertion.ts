/**
 * The edge assertion: a compact JWS (EdDSA) in which the edge states what it knows about a connection.
 * The edge holds the private key; workers hold public keys only, so user code that reads every binding of its
 * worker still cannot forge one. Nothing here decides whether a request may pass.
 */
import { base64url, createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";
import { z } from "zod";
import { ASSERTION_CLOCK_TOLERANCE_SECONDS, ASSERTION_TTL_SECONDS } from "./limits.ts";
import type { TlsClientAuth } from "./tls-client-auth.ts";

export const ASSERTION_ALGORITHM = "EdDSA";
const ASSERTION_ISSUER = "sallyport-edge";
/** Explicit typing (RFC 8725, section 3.11): no other JWT signed by the same key can pass for an assertion. */
const ASSERTION_TYPE = "edge-assertion+jwt";

const bit = z.enum(["0", "1"]);
const tlsClientAuthSchema: z.ZodType<TlsClientAuth> = z.strictObject({
  certPresented: bit,
  certRevoked: bit,
  certVerified: z.union([
    z.literal("SUCCESS"),
    z.literal("NONE"),
    z.literal("FAILED"),
    z.templateLiteral(["FAILED:", z.string()]),
  ]),
  certIssuerDN: z.string(),
  certSubjectDN: z.string(),
  certIssuerDNRFC2253: z.string(),
  certSubjectDNRFC2253: z.string(),
  certIssuerDNLegacy: z.string(),
  certSubjectDNLegacy: z.string(),
  certSerial: z.string(),
  certIssuerSerial: z.string(),
  certSKI: z.string(),
  certIssuerSKI: z.string(),
  certFingerprintSHA1: z.string(),
  certFingerprintSHA256: z.string(),
  certNotBefore: z.string(),
  certNotAfter: z.string(),
  certRFC9440: z.string(),
  certRFC9440TooLarge: z.boolean(),
  certChainRFC9440: z.string(),
  certChainRFC9440TooLarge: z.boolean(),
});

/** An uploaded CA certificate that anchors the presented chain. */
export interface TrustAnchor {
  /** `mtlsca_…` */
  id: string;
  name: string;
}

/** What the edge states about one connection. Only believed after {@link createEdgeAssertionVerifier} accepted it. */
export interface EdgeAssertion {
  /** Host name of the request: lower case, no port, no trailing dot. The `aud` claim. */
  audience: string;
  account: string;
  project: string;
  environment: string;
  client: { address: string; httpProtocol: "HTTP/1.1" | "HTTP/2" };
  tls: { version: string; cipher: string };
  /**
   * Every uploaded CA certificate that the presented chain leads to; empty unless `certVerified` is `"SUCCESS"`.
   * More than one only for cross-signed chains, and then a pin must hold for all of them.
   */
  trustAnchors: TrustAnchor[];
  tlsClientAuth: TlsClientAuth;
}

const claimsSchema = z.object({
  aud: z.string(),
  exp: z.number(),
  account: z.string(),
  project: z.string(),
  environment: z.string(),
  client: z.object({ address: z.string(), httpProtocol: z.enum(["HTTP/1.1", "HTTP/2"]) }),
  tls: z.object({ version: z.string(), cipher: z.string() }),
  trustAnchors: z.array(z.object({ id: z.string(), name: z.string() })),
  tlsClientAuth: tlsClientAuthSchema,
});

export interface AssertionSigningKey {
  /**
   * An Ed25519 signature of `bytes`. A function and no key, since the edge has a faster one than Web Crypto, whose every
   * call waits for another thread (measured: 110 µs of processor time, against 30).
   */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Names the public key in the worker's JWKS */
  keyId: string;
}

/**
 * Signs `assertion` for {@link ASSERTION_TTL_SECONDS} from `nowSeconds` (seconds since the epoch): the compact
 * serialization of RFC 7515, section 7.1.
 */
export async function signEdgeAssertion(
  assertion: EdgeAssertion,
  key: AssertionSigningKey,
  nowSeconds: number,
): Promise<string> {
  const { audience, ...claims } = assertion;
  const header = { alg: ASSERTION_ALGORITHM, typ: ASSERTION_TYPE, kid: key.keyId };
  const times = { iat: nowSeconds, exp: nowSeconds + ASSERTION_TTL_SECONDS };
  const payload = { ...claims, iss: ASSERTION_ISSUER, aud: audience, ...times };
  const signed = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(payload))}`;
  return `${signed}.${base64url.encode(await key.sign(new TextEncoder().encode(signed)))}`;
}

/** Why an assertion was not believed; `expired` is told apart because it points at clocks, not at an attack. */
export type AssertionRefusal = "malformed" | "expired" | "signature" | "claims";

export type AssertionResult =
  | { ok: true; assertion: EdgeAssertion; expiresAtSeconds: number }
  | { ok: false; refusal: AssertionRefusal; detail: string };

/**
 * Compact serialization (RFC 7515, section 7.1) in the one spelling that it has. Readers of base64 overlook white space and
 * the four bits after a signature's last byte, so that one token could be written in any number of ways: each would be
 * verified, and remembered, anew.
 */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/;
const NOT_A_COMPACT_JWS: AssertionResult = {
  ok: false,
  refusal: "malformed",
  detail: "it is not a compact JWS with an Ed25519 signature",
};

/**
 * Returns a function that verifies signature, type, issuer and times of an assertion. It does not check the audience
 * or the environment: those belong to the request and the worker, and are compared on every use, also of a cached one.
 *
 * @throws TypeError when `jwks` is not a JSON Web Key Set
 */
export function createEdgeAssertionVerifier(
  jwks: JSONWebKeySet,
): (token: string, now: Date) => Promise<AssertionResult> {
  const keys = createLocalJWKSet(jwks);
  return async function verifyEdgeAssertion(token, now) {
    if (!COMPACT_JWS.test(token)) return NOT_A_COMPACT_JWS;
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [ASSERTION_ALGORITHM],
        typ: ASSERTION_TYPE,
        issuer: ASSERTION_ISSUER,
        requiredClaims: ["aud", "iat", "exp"],
        maxTokenAge: ASSERTION_TTL_SECONDS,
        clockTolerance: ASSERTION_CLOCK_TOLERANCE_SECONDS,
        currentDate: now,
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) {
        return { ok: false, refusal: "claims", detail: z.prettifyError(claims.error) };
      }
      const { aud, exp, ...rest } = claims.data;
      return { ok: true, assertion: { audience: aud, ...rest }, expiresAtSeconds: exp };
    } catch (error) {
      return refuse(error);
    }
  };
}

function refuse(error: unknown): AssertionResult {
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof errors.JWTExpired) return { ok: false, refusal: "expired", detail };
  if (error instanceof errors.JWTClaimValidationFailed) return { ok: false, refusal: "claims", detail };
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed
  ) {
    return { ok: false, refusal: "signature", detail };
  }
  return { ok: false, refusal: "malformed", detail };
}
