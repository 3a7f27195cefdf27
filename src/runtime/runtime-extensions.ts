/** What `runtimeInit(runtime)` of `modules/zuplo.runtime.ts` is given: hooks that every request of the project meets. */
import type { Awaitable, ResponseSendingHook, ZuploContext } from "./context.ts";
import type { ProblemDocument } from "./http-problems.ts";
import type { ZuploRequest } from "./request.ts";

/** Runs before a route is looked for; may return another request, for example with another path. */
export type PreRoutingHook = (request: ZuploRequest) => Awaitable<Request>;

/** Runs before the inbound policies; a `Response` ends the request. */
export type RequestHook = (request: ZuploRequest, context: ZuploContext) => Awaitable<Request | Response>;

/** Every problem document of the gateway and of `HttpProblems`, which may have members of its own. */
export type ProblemResponseFormat = (
  problem: { problem: ProblemDocument; statusText: string; additionalHeaders: HeadersInit },
  request: Request,
  context: ZuploContext,
) => Awaitable<Response>;

/** Answers where no route has the path. */
export type NotFoundHandler = (request: ZuploRequest, context: ZuploContext) => Awaitable<Response>;

export interface RuntimeExtensions {
  addPreRoutingHook(hook: PreRoutingHook): void;
  addRequestHook(hook: RequestHook): void;
  addResponseSendingHook(hook: ResponseSendingHook): void;
  problemResponseFormat?: ProblemResponseFormat | undefined;
  notFoundHandler?: NotFoundHandler | undefined;
}
