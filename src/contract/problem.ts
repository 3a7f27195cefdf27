/**
 * The answers that are ours, as RFC 9457 problem details, from edge and worker alike. The code is the part that a
 * program may rely on; `reason` and `hint` are for people and only given in a `development` environment.
 */

/** Every problem that edge or gateway worker may answer with, and its status and title. */
export const PROBLEMS = {
  bad_request: { status: 400, title: "Bad Request" },
  client_certificate_required: { status: 401, title: "Unauthorized" },
  client_certificate_rejected: { status: 401, title: "Unauthorized" },
  access_token_required: { status: 401, title: "Unauthorized" },
  access_token_rejected: { status: 401, title: "Unauthorized" },
  cdn_identity_required: { status: 401, title: "Unauthorized" },
  cdn_identity_rejected: { status: 401, title: "Unauthorized" },
  not_found: { status: 404, title: "Not Found" },
  method_not_allowed: { status: 405, title: "Method Not Allowed" },
  request_timeout: { status: 408, title: "Request Timeout" },
  request_too_large: { status: 413, title: "Content Too Large" },
  headers_too_large: { status: 431, title: "Request Header Fields Too Large" },
  misdirected_request: { status: 421, title: "Misdirected Request" },
  handler_failed: { status: 500, title: "Internal Server Error" },
  configuration_invalid: { status: 500, title: "Internal Server Error" },
  mtls_certificate_not_found: { status: 500, title: "Internal Server Error" },
  mtls_certificate_disabled: { status: 500, title: "Internal Server Error" },
  origin_tls_failed: { status: 522, title: "Connection Failed" },
  origin_certificate_untrusted: { status: 522, title: "Connection Failed" },
  origin_client_certificate_rejected: { status: 522, title: "Connection Failed" },
  origin_unreachable: { status: 522, title: "Connection Failed" },
  origin_timeout: { status: 522, title: "Connection Failed" },
  access_token_keys_unavailable: { status: 503, title: "Service Unavailable" },
  gateway_unavailable: { status: 503, title: "Service Unavailable" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** The environment whose answers say which check failed. */
export const DEVELOPMENT_ENVIRONMENT = "development";

export interface ProblemTrace {
  /** ISO 8601 */
  timestamp: string;
  requestId: string;
  buildId: string;
}

export interface ProblemDetails {
  /** `https://httpproblems.com/http-status/<status>` */
  type: string;
  title: string;
  status: number;
  detail: string;
  /** The path of the request */
  instance: string;
  trace: ProblemTrace;
  code: string;
  reason?: string;
  hint?: string;
}

export interface ProblemExplanation {
  /** Which check failed, in words an operator can search for */
  reason: string;
  /** What to do about it */
  hint: string;
}

/**
 * The problem document for `code`. `explanation` must only be passed in a development environment: elsewhere it
 * would tell an attacker which check failed.
 */
export function createProblem(
  code: ProblemCode,
  parts: { detail: string; instance: string; trace: ProblemTrace; explanation?: ProblemExplanation },
): ProblemDetails {
  const { status, title } = PROBLEMS[code];
  return {
    type: `https://httpproblems.com/http-status/${status}`,
    title,
    status,
    detail: parts.detail,
    instance: parts.instance,
    trace: parts.trace,
    code,
    ...parts.explanation,
  };
}
