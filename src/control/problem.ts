/**
 * The answers that are not the wanted one, as RFC 9457 problem details. Programs rely on `code`; people read `detail`
 * and `hint`. Nothing here may repeat what a caller sent in full: it could be a private key in the wrong field.
 */
import { z } from "@hono/zod-openapi";
import type { Context, TypedResponse } from "hono";
import { PROBLEM_CONTENT_TYPE } from "../contract/problem.ts";
import type { ControlContext } from "./router.ts";

/** Every code that the control plane answers with. Those of one field can also stand in `errors`. */
const PROBLEMS = {
  invalid_request: 400,
  invalid_json: 400,
  name_not_identifier: 400,
  name_not_label: 400,
  private_key_in_file: 400,
  certificate_is_der: 400,
  no_certificate: 400,
  several_certificates: 400,
  certificate_unreadable: 400,
  certificate_too_large: 400,
  not_a_ca: 400,
  not_self_signed: 400,
  self_signature_invalid: 400,
  signature_algorithm_unsupported: 400,
  certificate_expired: 400,
  key_too_small: 400,
  too_many_certificates: 400,
  chain_out_of_order: 400,
  not_for_client_authentication: 400,
  private_key_is_der: 400,
  no_private_key: 400,
  several_private_keys: 400,
  private_key_encrypted: 400,
  private_key_unreadable: 400,
  private_key_unsupported: 400,
  private_key_mismatch: 400,
  key_pair_incomplete: 400,
  environment_type_missing: 400,
  hostname_invalid: 400,
  hostname_reserved: 400,
  api_key_required: 401,
  api_key_rejected: 401,
  scope_not_allowed: 403,
  not_found: 404,
  name_taken: 409,
  ca_certificate_exists: 409,
  mtls_certificate_exists: 409,
  mtls_certificate_in_use: 409,
  origin_ca_exists: 409,
  hostname_claimed: 409,
  hostname_taken: 409,
  domain_not_verified: 409,
  project_in_use: 409,
  request_too_large: 413,
  unsupported_media_type: 415,
  upgrade_required: 426,
  internal_error: 500,
  dns_lookup_failed: 502,
  master_key_missing: 503,
} as const;

export type ProblemCode = keyof typeof PROBLEMS;
type ProblemStatus = (typeof PROBLEMS)[ProblemCode];

const TITLES: Record<ProblemStatus, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  426: "Upgrade Required",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

const problemSchema = z
  .object({
    type: z.string().openapi({ example: "https://httpproblems.com/http-status/404" }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string().openapi({ description: "The path of the request" }),
    trace: z.object({ timestamp: z.string(), requestId: z.string() }),
    code: z.string().openapi({ description: "Stable, for programs" }),
    hint: z.string().optional().openapi({ description: "What to do about it" }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string(), code: z.string(), hint: z.string().optional() }))
      .optional()
      .openapi({ description: "Every problem with the input, with its path; the first one gives `code` and `hint`" }),
  })
  .openapi("Problem");

type Problem = z.infer<typeof problemSchema>;
type ProblemParts = Pick<Problem, "detail"> & Partial<Pick<Problem, "hint" | "errors">>;

type ProblemResponse<Code extends ProblemCode> = TypedResponse<Problem, (typeof PROBLEMS)[Code], "json">;

/** The answer for `code`; a route has to list its status with {@link problemResponses}, or it does not compile. */
export function problem<Code extends ProblemCode>(
  c: Context<ControlContext>,
  code: Code,
  parts: ProblemParts,
): Response & ProblemResponse<Code> {
  const status: (typeof PROBLEMS)[Code] = PROBLEMS[code];
  const document: Problem = {
    type: `https://httpproblems.com/http-status/${status}`,
    title: TITLES[status],
    status,
    detail: parts.detail,
    instance: c.req.path,
    trace: { timestamp: new Date().toISOString(), requestId: c.get("requestId") },
    code,
    ...(parts.hint === undefined ? {} : { hint: parts.hint }),
    ...(parts.errors === undefined ? {} : { errors: parts.errors }),
  };
  const response = c.json(document, status, { "content-type": PROBLEM_CONTENT_TYPE });
  return response as Response & ProblemResponse<Code>;
}

/** There is no such thing, or it belongs to another account: the same answer, so that nobody can tell which. */
export function notFound(c: Context<ControlContext>, what: string) {
  return problem(c, "not_found", { detail: `there is no ${what} here` });
}

type ProblemResponses<Status extends ProblemStatus> = Record<
  Status,
  { description: string; content: { "application/problem+json": { schema: typeof problemSchema } } }
>;

/** The OpenAPI responses for these statuses, to spread into a route. */
export function problemResponses<Status extends ProblemStatus>(...statuses: Status[]): ProblemResponses<Status> {
  const content = { "application/problem+json": { schema: problemSchema } };
  const entries = statuses.map((status) => [status, { description: TITLES[status], content }]);
  return Object.fromEntries(entries) as ProblemResponses<Status>;
}
