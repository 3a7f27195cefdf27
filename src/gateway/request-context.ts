/** The `context` that user code is given. What it does not need at once is made when it is first asked for. */
import {
  type IncomingRequestProperties,
  type Logger,
  type ResponseSendingFinalHook,
  type ResponseSendingHook,
  type RouteConfiguration,
  ZuploContext,
} from "../runtime/context.ts";
import { PROBLEM_SCOPE, type ProblemScope } from "../runtime/http-problems.ts";
import type { ZuploRequest } from "../runtime/request.ts";
import type { Exchange, ExchangeParts } from "./exchange.ts";
import { createRequestLog } from "./request-log.ts";
import { runInboundPolicy, runOutboundPolicy } from "./run-policy.ts";

export class RequestContext extends ZuploContext {
  readonly requestId: string;
  readonly custom: Record<string, unknown> = {};
  readonly incomingRequestProperties: IncomingRequestProperties;
  readonly [PROBLEM_SCOPE]: ProblemScope;
  readonly #exchange: Exchange;
  readonly #executionContext: Pick<ExecutionContext, "waitUntil">;
  #contextId: string | undefined;
  #log: Logger | undefined;

  constructor(exchange: Exchange, { requestId, identification, executionContext, project }: ExchangeParts) {
    super();
    this.requestId = requestId;
    this.incomingRequestProperties = identification.properties;
    this[PROBLEM_SCOPE] = project;
    this.#exchange = exchange;
    this.#executionContext = executionContext;
  }

  get contextId(): string {
    this.#contextId ??= crypto.randomUUID();
    return this.#contextId;
  }

  get log(): Logger {
    this.#log ??= createRequestLog(this.requestId, this.#exchange.trace?.traceId);
    return this.#log;
  }

  get route(): RouteConfiguration {
    return this.#exchange.route;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.#executionContext.waitUntil(promise);
  }

  invokeInboundPolicy(name: string, request: ZuploRequest): Promise<ZuploRequest | Response> {
    return runInboundPolicy(name, request, this.#exchange);
  }

  invokeOutboundPolicy(name: string, response: Response, request: ZuploRequest): Promise<Response> {
    return runOutboundPolicy(name, response, request, this.#exchange);
  }

  addResponseSendingHook(hook: ResponseSendingHook): void {
    this.#exchange.responseSendingHooks.push(hook);
  }

  addResponseSendingFinalHook(hook: ResponseSendingFinalHook): void {
    this.#exchange.finalHooks.push(hook);
  }
}
