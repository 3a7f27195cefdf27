/**
 * `cdn-identity-inbound`: for a gateway behind somebody else's CDN, where TLS with the client ends. Takes the identity that
 * the CDN verified from a request header, and only with proof that the request came from that CDN: its own client
 * certificate, a secret or a signature.
 *
 * @example
 * { "name": "cdn", "policyType": "cdn-identity-inbound", "handler": {
 *   "export": "CdnIdentityInboundPolicy", "module": "$import(@sallyport/runtime)",
 *   "options": { "identityHeader": "x-verified-client",
 *     "proof": { "secret": { "header": "x-cdn-secret", "values": ["$env(CDN_SECRET)"] } } } } }
 */
import type { CdnIdentityInboundOptions } from "../contract/policy-options/cdn-identity-inbound.ts";
import type { ProblemCode, ProblemExplanation } from "../contract/problem.ts";
import type { InboundPolicy } from "../gateway/exchange.ts";
import { respondWithProblem } from "../gateway/problem-response.ts";
import { type CdnIdentityRejection, compileCdnIdentityRules } from "./cdn-identity-decision.ts";
import { explainRejection } from "./mtls-auth-rejection.ts";

/** The identity is the user, whichever policies ran before; what they attached stays. */
export function compileCdnIdentityInbound(options: CdnIdentityInboundOptions, policyName: string): InboundPolicy {
  const evaluate = compileCdnIdentityRules(options);
  const secretHeader = options.proof.secret?.header;

  return async function cdnIdentityInbound(request, exchange) {
    const { verdict, context } = exchange;
    const result = await evaluate({ request, verdict, now: exchange.now() });
    if (!result.ok) {
      const { code, detail, explanation } = explain(result.rejection);
      context.log.warn("identity of the CDN rejected", { policy: policyName, code, ...explanation });
      return respondWithProblem(exchange, code, { detail, explanation });
    }
    // Neither the project's code nor an origin has a use for it.
    if (secretHeader !== undefined) request.headers.delete(secretHeader);
    request.user = { ...request.user, sub: result.identity, data: { ...request.user?.data } };
    return request;
  };
}

interface Answer {
  code: ProblemCode;
  detail: string;
  explanation: ProblemExplanation;
}

function explain(rejection: CdnIdentityRejection): Answer {
  switch (rejection.kind) {
    case "certificate_not_of_cdn": {
      const { reason, hint } = explainRejection(rejection.rejection).explanation;
      return rejected(`the request does not come from the CDN: ${reason}`, hint);
    }
    case "secret_wrong":
      return rejected(
        `the request does not come from the CDN: the header "${rejection.header}" is missing, repeated or another secret`,
        "have the CDN set the header, and compare its secret with the variable in the policy's options",
      );
    case "signature_invalid":
      return rejected(
        `the request does not come from the CDN: ${rejection.reason}`,
        'have the CDN sign "@method", "@target-uri" and the identity header as RFC 9421 says, with the secret of the options',
      );
    case "identity_missing":
      return {
        code: "cdn_identity_required",
        detail: "This route requires a client that the CDN verified",
        explanation: {
          reason: `the CDN sent no header "${rejection.header}"`,
          hint: "have the CDN verify the client's certificate, and set the header for those that verified",
        },
      };
    case "identity_malformed":
      return rejected(
        `the header "${rejection.header}" is over 4096 characters or has control characters in it`,
        "have the CDN send a name or fingerprint of the client's certificate",
      );
  }
}

function rejected(reason: string, hint: string): Answer {
  return {
    code: "cdn_identity_rejected",
    detail: "The identity of the client is not accepted",
    explanation: { reason, hint },
  };
}
