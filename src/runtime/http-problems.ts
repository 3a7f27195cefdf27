/**
 * `HttpProblems.<status>(request, context, overrides?, headers?)`: problem documents (RFC 9457) in the form of the
 * gateway's own, one function a status. `handler_failed` and its like are the gateway's codes; these have none.
 */
import { PROBLEM_CONTENT_TYPE, type ProblemDetails, type ProblemTrace } from "../contract/problem.ts";
import type { ZuploContext } from "./context.ts";
import type { ProblemResponseFormat } from "./runtime-extensions.ts";

/** Members of the document that the caller sets, and any extension member. */
export type ProblemOverrides = Partial<Omit<ProblemDetails, "trace">> & Record<string, unknown>;

export type HttpProblem = (
  request: Request,
  context: ZuploContext,
  overrides?: ProblemOverrides,
  headers?: HeadersInit,
) => Promise<Response>;

/** What a problem document needs and a context does not show. */
export interface ProblemScope {
  readonly buildId: string;
  readonly problemResponseFormat: ProblemResponseFormat | undefined;
}

/** Where the gateway's contexts keep it. Not exported to user code. */
export const PROBLEM_SCOPE = Symbol("problem scope");

function findScope(context: ZuploContext & { readonly [PROBLEM_SCOPE]?: ProblemScope }): ProblemScope | undefined {
  return context[PROBLEM_SCOPE];
}

export function createTrace(context: ZuploContext): ProblemTrace {
  const buildId = findScope(context)?.buildId ?? "";
  return { timestamp: new Date().toISOString(), requestId: context.requestId, buildId };
}

/** A problem document; user code's may lack a code and have members of its own. */
export type ProblemDocument = Omit<ProblemDetails, "code"> & Record<string, unknown>;

/** Sends `problem` in the project's format, if `runtimeInit` set one. */
export async function sendProblem(
  request: Request,
  context: ZuploContext,
  problem: ProblemDocument,
  headers: HeadersInit = {},
): Promise<Response> {
  const format = findScope(context)?.problemResponseFormat;
  if (!format) return encodeProblem(problem, headers);
  return format({ problem, statusText: problem.title, additionalHeaders: headers }, request, context);
}

export function encodeProblem(problem: ProblemDocument, headers: HeadersInit = {}): Response {
  const response = Response.json(problem, { status: problem.status, headers });
  response.headers.set("content-type", PROBLEM_CONTENT_TYPE);
  return response;
}

function createHttpProblem(status: number, title: string): HttpProblem {
  return function httpProblem(request, context, overrides = {}, headers) {
    const effectiveStatus = overrides.status ?? status;
    const problem = {
      type: `https://httpproblems.com/http-status/${effectiveStatus}`,
      title,
      detail: title,
      instance: new URL(request.url).pathname,
      ...overrides,
      status: effectiveStatus,
      trace: createTrace(context),
    };
    return sendProblem(request, context, problem, headers);
  };
}

/** @example return HttpProblems.unauthorized(request, context, { detail: "the token is expired" }); */
export const HttpProblems = {
  badRequest: createHttpProblem(400, "Bad Request"),
  unauthorized: createHttpProblem(401, "Unauthorized"),
  paymentRequired: createHttpProblem(402, "Payment Required"),
  forbidden: createHttpProblem(403, "Forbidden"),
  notFound: createHttpProblem(404, "Not Found"),
  methodNotAllowed: createHttpProblem(405, "Method Not Allowed"),
  notAcceptable: createHttpProblem(406, "Not Acceptable"),
  proxyAuthenticationRequired: createHttpProblem(407, "Proxy Authentication Required"),
  requestTimeout: createHttpProblem(408, "Request Timeout"),
  conflict: createHttpProblem(409, "Conflict"),
  gone: createHttpProblem(410, "Gone"),
  lengthRequired: createHttpProblem(411, "Length Required"),
  preconditionFailed: createHttpProblem(412, "Precondition Failed"),
  contentTooLarge: createHttpProblem(413, "Content Too Large"),
  uriTooLong: createHttpProblem(414, "URI Too Long"),
  unsupportedMediaType: createHttpProblem(415, "Unsupported Media Type"),
  rangeNotSatisfiable: createHttpProblem(416, "Range Not Satisfiable"),
  expectationFailed: createHttpProblem(417, "Expectation Failed"),
  imATeapot: createHttpProblem(418, "I'm a Teapot"),
  misdirectedRequest: createHttpProblem(421, "Misdirected Request"),
  unprocessableContent: createHttpProblem(422, "Unprocessable Content"),
  locked: createHttpProblem(423, "Locked"),
  failedDependency: createHttpProblem(424, "Failed Dependency"),
  tooEarly: createHttpProblem(425, "Too Early"),
  upgradeRequired: createHttpProblem(426, "Upgrade Required"),
  preconditionRequired: createHttpProblem(428, "Precondition Required"),
  tooManyRequests: createHttpProblem(429, "Too Many Requests"),
  requestHeaderFieldsTooLarge: createHttpProblem(431, "Request Header Fields Too Large"),
  unavailableForLegalReasons: createHttpProblem(451, "Unavailable For Legal Reasons"),
  internalServerError: createHttpProblem(500, "Internal Server Error"),
  notImplemented: createHttpProblem(501, "Not Implemented"),
  badGateway: createHttpProblem(502, "Bad Gateway"),
  serviceUnavailable: createHttpProblem(503, "Service Unavailable"),
  gatewayTimeout: createHttpProblem(504, "Gateway Timeout"),
  httpVersionNotSupported: createHttpProblem(505, "HTTP Version Not Supported"),
  variantAlsoNegotiates: createHttpProblem(506, "Variant Also Negotiates"),
  insufficientStorage: createHttpProblem(507, "Insufficient Storage"),
  loopDetected: createHttpProblem(508, "Loop Detected"),
  notExtended: createHttpProblem(510, "Not Extended"),
  networkAuthenticationRequired: createHttpProblem(511, "Network Authentication Required"),
} satisfies Record<string, HttpProblem>;
