/**
 * `mtls-auth-inbound`: lets requests pass whose client certificate was verified and meets the route's rules, and
 * attaches what is known about it as `request.user.data.mtlsAuth`.
 *
 * @example
 * { "name": "mtls", "policyType": "mtls-auth-inbound", "handler": { "export": "MTLSAuthInboundPolicy",
 *   "module": "$import(@zuplo/runtime)", "options": { "certIssuerDN": "CN=example-ca, O=Example, C=US" } } }
 */
import type { MtlsAuthInboundOptions } from "../contract/policy-options/mtls-auth-inbound.ts";
import type { ClientCertificateVerdict } from "../gateway/client-certificate.ts";
import type { Exchange, InboundPolicy } from "../gateway/exchange.ts";
import { respondWithProblem } from "../gateway/problem-response.ts";
import type { MtlsAuth, ZuploRequest } from "../runtime/request.ts";
import { compileMtlsAuthRules, evaluateMtlsAuth } from "./mtls-auth-decision.ts";
import { explainRejection, METADATA_NOT_PROVIDED, type RejectionAnswer } from "./mtls-auth-rejection.ts";

export function compileMtlsAuthInbound(options: MtlsAuthInboundOptions, policyName: string): InboundPolicy {
  const rules = compileMtlsAuthRules(options);
  /** By verdict, which lives as long as its assertion is cached: nothing of X.509 is done twice for a connection. */
  const answers = new WeakMap<ClientCertificateVerdict, RejectionAnswer | "accepted">();

  function decide(verdict: ClientCertificateVerdict): RejectionAnswer | "accepted" {
    const known = answers.get(verdict);
    if (known) return known;
    const rejection = evaluateMtlsAuth(verdict, rules);
    const answer = rejection ? explainRejection(rejection) : "accepted";
    answers.set(verdict, answer);
    return answer;
  }

  return function mtlsAuthInbound(request, exchange) {
    const answer = decide(exchange.verdict);
    if (answer === "accepted") return attach(request, exchange, true);
    logRejection(exchange, answer, policyName, options.allowUnauthenticatedRequests);
    if (options.allowUnauthenticatedRequests) return attach(request, exchange, false);
    return respondWithProblem(exchange, answer.code, {
      detail:
        answer.code === "client_certificate_required"
          ? "This route requires a client certificate"
          : "The client certificate is not accepted",
      explanation: answer.explanation,
    });
  };
}

/**
 * `verified` means: would have passed this policy if it enforced. Only then the subject becomes `user.sub`, and a
 * `sub` that an earlier policy set is kept in any case.
 */
function attach(request: ZuploRequest, exchange: Exchange, verified: boolean): ZuploRequest {
  const { certificate } = exchange.verdict;
  if (!certificate.isPresented) return request;
  const metadata = certificate.tlsClientAuth.certRFC9440TooLarge ? undefined : certificate.metadata();
  if (!metadata) {
    exchange.context.log.warn(METADATA_NOT_PROVIDED);
    return request;
  }
  const { user } = request;
  const mtlsAuth: MtlsAuth = { ...metadata, verified };
  const sub = user?.sub ?? (verified ? metadata.subject : undefined);
  request.user = { ...user, ...(sub !== undefined && { sub }), data: { ...user?.data, mtlsAuth } };
  return request;
}

function logRejection(
  { context, verdict }: Exchange,
  { code, explanation }: RejectionAnswer,
  policy: string,
  passthrough: boolean,
): void {
  const { certSubjectDNRFC2253: subject, certIssuerDNRFC2253: issuer } = verdict.certificate.tlsClientAuth;
  const { certFingerprintSHA256: sha256Fingerprint } = verdict.certificate.tlsClientAuth;
  const line = { policy, code, ...explanation, subject, issuer, sha256Fingerprint };
  if (passthrough) context.log.debug("client certificate would be rejected", line);
  else context.log.warn("client certificate rejected", line);
}
