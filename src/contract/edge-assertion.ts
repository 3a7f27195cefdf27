/**
 * The edge assertion: a compact JWS (EdDSA) in which the edge states what it knows about a connection.
 * The edge holds the private key; workers hold public keys only, so user code that reads every binding of its
 * worker still cannot forge one. Nothing here decides whether a request may pass.
 */
import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify, SignJWT } from "jose";
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
  /** Ed25519 private key */
  privateKey: CryptoKey;
  /** Names the public key in the worker's JWKS */
  keyId: string;
}

/** Signs `assertion` for {@link ASSERTION_TTL_SECONDS} from `nowSeconds` (seconds since the epoch). */
export function signEdgeAssertion(
  assertion: EdgeAssertion,
  key: AssertionSigningKey,
  nowSeconds: number,
): Promise<string> {
  const { audience, ...claims } = assertion;
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: ASSERTION_ALGORITHM, typ: ASSERTION_TYPE, kid: key.keyId })
    .setIssuer(ASSERTION_ISSUER)
    .setAudience(audience)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ASSERTION_TTL_SECONDS)
    .sign(key.privateKey);
}

/** Why an assertion was not believed; `expired` is told apart because it points at clocks, not at an attack. */
export type AssertionRefusal = "malformed" | "expired" | "signature" | "claims";

export type AssertionResult =
  | { ok: true; assertion: EdgeAssertion; expiresAtSeconds: number }
  | { ok: false; refusal: AssertionRefusal; detail: string };

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
