/**
 * May a request with this access token and this client certificate pass? Nothing is fetched and no signature is verified
 * for a client whose certificate did not verify: strangers cause no work.
 */
import { base64url, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import {
  type CertificateBoundTokenInboundOptions,
  TOKEN_ALGORITHMS,
} from "../contract/policy-options/certificate-bound-token-inbound.ts";
import type { ClientCertificateVerdict } from "../gateway/client-certificate.ts";
import { describeError } from "../runtime/certificate-transport.ts";
import { createAccessTokenKeys, KeysUnavailableError } from "./access-token-keys.ts";
import type { BearerToken } from "./bearer-token.ts";
import { checkVerdict, type MtlsAuthRejection } from "./mtls-auth-decision.ts";

/** Why a request does not pass. */
export type TokenRejection =
  | { kind: "token_missing" }
  | { kind: "request_malformed"; reason: string }
  | { kind: "certificate_not_verified"; rejection: MtlsAuthRejection }
  | { kind: "keys_unavailable"; reason: string }
  | { kind: "token_invalid"; reason: string }
  | { kind: "token_unbound" }
  | { kind: "token_of_another_certificate"; thumbprint: string };

export type TokenResult = { ok: true; claims: JWTPayload } | { ok: false; rejection: TokenRejection };

export type EvaluateToken = (token: BearerToken, verdict: ClientCertificateVerdict, now: Date) => Promise<TokenResult>;

export function compileTokenRules(options: CertificateBoundTokenInboundOptions): EvaluateToken {
  const keys = createAccessTokenKeys(options);
  const { audience, issuer, algorithms = TOKEN_ALGORITHMS, clockToleranceSeconds } = options;
  const checks = {
    audience,
    ...(issuer !== undefined && { issuer }),
    algorithms: [...algorithms],
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ["exp"],
  };
  return async function evaluateToken(bearer, verdict, now) {
    if (bearer.kind === "missing") return rejected({ kind: "token_missing" });
    if (bearer.kind === "malformed") return rejected({ kind: "request_malformed", reason: bearer.reason });
    const unverified = checkVerdict(verdict);
    if (unverified) return rejected({ kind: "certificate_not_verified", rejection: unverified });
    const thumbprint = computeThumbprint(verdict);
    if (thumbprint === undefined) {
      return rejected({ kind: "certificate_not_verified", rejection: { kind: "metadata_unreadable" } });
    }
    const verified = await verifyToken(bearer.token, keys, { ...checks, currentDate: now });
    return verified.ok ? checkBinding(verified.claims, thumbprint) : verified;
  };
}

/**
 * `x5t#S256` (RFC 8705, section 3.1) of the certificate that was verified on this connection: unpadded base64url of the
 * SHA-256 over its DER, which whoever terminates TLS computed.
 */
function computeThumbprint({ certificate }: ClientCertificateVerdict): string | undefined {
  const hex = certificate.tlsClientAuth.certFingerprintSHA256;
  if (!/^[0-9a-f]{64}$/i.test(hex)) return undefined;
  return base64url.encode(Uint8Array.from(hex.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16)));
}

async function verifyToken(
  token: string,
  keys: JWTVerifyGetKey,
  options: Parameters<typeof jwtVerify>[2],
): Promise<TokenResult> {
  try {
    return { ok: true, claims: (await jwtVerify(token, keys, options)).payload };
  } catch (error) {
    if (error instanceof errors.JOSEError) return rejected({ kind: "token_invalid", reason: error.message });
    const reason = error instanceof KeysUnavailableError ? error.message : `a key is unusable: ${describeError(error)}`;
    return rejected({ kind: "keys_unavailable", reason });
  }
}

function checkBinding(claims: JWTPayload, thumbprint: string): TokenResult {
  const { cnf } = claims;
  const bound = typeof cnf === "object" && cnf !== null ? (cnf as Record<string, unknown>)["x5t#S256"] : undefined;
  if (typeof bound !== "string") return rejected({ kind: "token_unbound" });
  return bound === thumbprint
    ? { ok: true, claims }
    : rejected({ kind: "token_of_another_certificate", thumbprint: bound });
}

function rejected(rejection: TokenRejection): TokenResult {
  return { ok: false, rejection };
}
