/**
 * One request and what becomes of it: the state that the steps of a request's life share. User code sees only
 * `context`; the verdict stays on this side, so that no module can change it.
 */
import type { RouteDefinition } from "../contract/project.ts";
import type {
  Awaitable,
  ResponseSendingFinalHook,
  ResponseSendingHook,
  RouteConfiguration,
  ZuploContext,
} from "../runtime/context.ts";
import type { CurrentRequest } from "../runtime/current-request.ts";
import type { ZuploRequest } from "../runtime/request.ts";
import type { RequestTrace } from "../tracing/request-trace.ts";
import type { ClientCertificateVerdict } from "./client-certificate.ts";
import type { Identification } from "./client-certificate-source.ts";
import type { CompiledProject } from "./compile-project.ts";
import type { CorsPolicy } from "./cors.ts";
import { RequestContext } from "./request-context.ts";

export type InboundPolicy = (request: ZuploRequest, exchange: Exchange) => Awaitable<unknown>;
/** The handler of a route. User code is given the context alone. */
export type RouteHandler = (request: ZuploRequest, exchange: Exchange) => Awaitable<unknown>;
export type OutboundPolicy = (response: Response, request: ZuploRequest, exchange: Exchange) => Awaitable<unknown>;

export interface ExchangeParts {
  project: CompiledProject;
  isDevelopment: boolean;
  identification: Identification;
  request: ZuploRequest;
  requestId: string;
  trace: RequestTrace | undefined;
  executionContext: Pick<ExecutionContext, "waitUntil">;
  now: () => Date;
}

/** A class, as is the context, so that a request allocates state and no functions. */
export class Exchange implements CurrentRequest {
  readonly project: CompiledProject;
  readonly isDevelopment: boolean;
  readonly requestId: string;
  readonly trace: RequestTrace | undefined;
  readonly verdict: ClientCertificateVerdict;
  readonly context: ZuploContext;
  readonly now: () => Date;
  /** The latest request: hooks and policies may replace it */
  request: ZuploRequest;
  /** What user code sees of the route; says nothing until one was found */
  route: RouteConfiguration = NO_ROUTE;
  cors: CorsPolicy | undefined = undefined;
  readonly responseSendingHooks: ResponseSendingHook[] = [];
  readonly finalHooks: ResponseSendingFinalHook[] = [];

  constructor(parts: ExchangeParts) {
    this.project = parts.project;
    this.isDevelopment = parts.isDevelopment;
    this.requestId = parts.requestId;
    this.trace = parts.trace;
    this.verdict = parts.identification.verdict;
    this.now = parts.now;
    this.request = parts.request;
    this.context = new RequestContext(this, parts);
  }
}

/** What `context.route` is while no route was found. */
const NO_ROUTE: RouteConfiguration = {
  path: "",
  methods: [],
  operationId: undefined,
  handler: { export: "", module: "", options: undefined },
  raw: () => ({}),
};

/** What user code reads of a route; made at load. */
export function describeRoute(definition: RouteDefinition, methods: readonly string[]): RouteConfiguration {
  const { path, operationId, handler, raw } = definition;
  return {
    path,
    methods,
    operationId,
    handler: { export: handler.export, module: handler.module, options: handler.options },
    raw: () => structuredClone(raw),
  };
}
