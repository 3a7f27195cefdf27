/** What `certificate-bound-token-inbound` answers. One exhaustive switch: a new reason does not compile without one. */
import type { ProblemCode, ProblemExplanation } from "../contract/problem.ts";
import { KEYS_RETRY_AFTER_SECONDS } from "./access-token-keys.ts";
import type { TokenRejection } from "./certificate-bound-token-decision.ts";
import { explainRejection } from "./mtls-auth-rejection.ts";

export interface TokenRejectionAnswer {
  code: ProblemCode;
  detail: string;
  explanation: ProblemExplanation;
  headers: Record<string, string>;
}

/** RFC 6750, section 3.1; the descriptions say no more than the code, which check failed is for the log. */
const NO_TOKEN = { "www-authenticate": "Bearer" };
const INVALID_REQUEST = challenge("invalid_request", "The request does not carry exactly one access token");
const INVALID_TOKEN = challenge("invalid_token", "The access token is not accepted with this client certificate");

function challenge(error: string, description: string): { "www-authenticate": string } {
  return { "www-authenticate": `Bearer error="${error}", error_description="${description}"` };
}

const REJECTED_DETAIL = "The access token is not accepted";

export function explainTokenRejection(rejection: TokenRejection): TokenRejectionAnswer {
  switch (rejection.kind) {
    case "token_missing": {
      const hint = "send one that is bound to your client certificate: curl -H 'Authorization: Bearer <token>'";
      const explanation = { reason: "no access token was sent", hint };
      return {
        code: "access_token_required",
        detail: "This route requires an access token",
        explanation,
        headers: NO_TOKEN,
      };
    }
    case "request_malformed": {
      const hint = "send one Authorization header, with one token, and none anywhere else";
      const explanation = { reason: rejection.reason, hint };
      const detail = "The request does not carry exactly one access token";
      return { code: "bad_request", detail, explanation, headers: INVALID_REQUEST };
    }
    case "certificate_not_verified": {
      const { code, explanation } = explainRejection(rejection.rejection);
      const detail = "The access token is bound to a client certificate, and none was verified";
      return { code, detail, explanation, headers: INVALID_TOKEN };
    }
    case "keys_unavailable": {
      const hint = "check that the worker reaches the authorization server, and what its jwks_uri answers";
      return {
        code: "access_token_keys_unavailable",
        detail: "The access token cannot be verified now",
        explanation: { reason: rejection.reason, hint },
        headers: { "retry-after": String(KEYS_RETRY_AFTER_SECONDS) },
      };
    }
    case "token_invalid":
      return rejected(
        rejection.reason,
        "compare the token's header and claims with the policy's options, and the clocks",
      );
    case "token_unbound":
      return rejected(
        'the token has no cnf claim with "x5t#S256": it is not bound to a client certificate',
        "have the authorization server issue certificate-bound tokens (tls_client_certificate_bound_access_tokens)",
      );
    case "token_of_another_certificate":
      return rejected(
        `the token is bound to another client certificate, whose x5t#S256 is ${JSON.stringify(rejection.thumbprint)}`,
        "present the certificate that the token was requested with, or request a new token with this one",
      );
  }
}

function rejected(reason: string, hint: string): TokenRejectionAnswer {
  return {
    code: "access_token_rejected",
    detail: REJECTED_DETAIL,
    explanation: { reason, hint },
    headers: INVALID_TOKEN,
  };
}
