/**
 * `certificate-bound-token-inbound`: lets requests pass with a JWT access token that is bound to the client certificate of
 * this connection (RFC 8705, section 3), and makes its claims the user. A token that was stolen is of no use without
 * the certificate's key.
 *
 * @example
 * { "name": "token", "policyType": "certificate-bound-token-inbound", "handler": {
 *   "export": "CertificateBoundTokenInboundPolicy", "module": "$import(@sallyport/runtime)",
 *   "options": { "issuer": "https://login.example.com", "audience": "https://api.example.com" } } }
 */
import type { JWTPayload } from "jose";
import type { CertificateBoundTokenInboundOptions } from "../contract/policy-options/certificate-bound-token-inbound.ts";
import type { InboundPolicy } from "../gateway/exchange.ts";
import { respondWithProblem } from "../gateway/problem-response.ts";
import type { ZuploRequest } from "../runtime/request.ts";
import { parseBearerToken } from "./bearer-token.ts";
import { compileTokenRules } from "./certificate-bound-token-decision.ts";
import { explainTokenRejection } from "./certificate-bound-token-rejection.ts";

export function compileCertificateBoundTokenInbound(
  options: CertificateBoundTokenInboundOptions,
  policyName: string,
): InboundPolicy {
  const evaluate = compileTokenRules(options);

  return async function certificateBoundTokenInbound(request, exchange) {
    const { verdict, context } = exchange;
    const result = await evaluate(parseBearerToken(request), verdict, exchange.now());
    if (result.ok) return attach(request, result.claims);
    const { code, ...parts } = explainTokenRejection(result.rejection);
    const { certFingerprintSHA256: sha256Fingerprint } = verdict.certificate.tlsClientAuth;
    const line = { policy: policyName, code, ...parts.explanation, sha256Fingerprint };
    if (result.rejection.kind === "keys_unavailable") context.log.error("access token not verified", line);
    else context.log.warn("access token rejected", line);
    return respondWithProblem(exchange, code, parts);
  };
}

/**
 * The token's `sub` is the user, whichever policies ran before; what they attached stays. `mtlsAuth` is what the gateway
 * says of a certificate: no token can say it.
 */
function attach(request: ZuploRequest, { mtlsAuth: _, ...claims }: JWTPayload): ZuploRequest {
  const { user } = request;
  const sub = typeof claims.sub === "string" ? claims.sub : user?.sub;
  request.user = { ...(sub !== undefined && { sub }), data: { ...user?.data, ...claims } };
  return request;
}
