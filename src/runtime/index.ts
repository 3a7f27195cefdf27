/** What user code imports as `@sallyport/runtime` or `@zuplo/runtime`. Nothing else of `src/` is meant for it. */
export type {
  Awaitable,
  InboundPolicyHandler,
  IncomingRequestProperties,
  Logger,
  OutboundPolicyHandler,
  RequestHandler,
  ResponseSendingFinalHook,
  ResponseSendingHook,
  RouteConfiguration,
} from "./context.ts";
export { ZuploContext } from "./context.ts";
export { environment } from "./environment.ts";
export { ConfigurationError, OriginError, type OriginFailure, RuntimeError } from "./errors.ts";
export type { CertificateOptions } from "./fetch.ts";
export { type HttpProblem, HttpProblems, type ProblemOverrides } from "./http-problems.ts";
export {
  type DefaultUserData,
  type MtlsAuth,
  type RequestGeneric,
  type RequestUser,
  ZuploRequest,
  type ZuploRequestInit,
} from "./request.ts";
export type {
  NotFoundHandler,
  PreRoutingHook,
  ProblemResponseFormat,
  RequestHook,
  RuntimeExtensions,
} from "./runtime-extensions.ts";
