/** What user code is given beside the request. Types and no behaviour: the gateway makes the objects. */
import type { JsonObject } from "../contract/project.ts";
import type { ZuploRequest } from "./request.ts";

/** A value, now or later: every function of user code may be async. */
export type Awaitable<T> = T | Promise<T>;

/** Read-only; every field may be undefined. Behind the edge only the last four are known. */
export interface IncomingRequestProperties {
  readonly asn?: number | undefined;
  readonly asOrganization?: string | undefined;
  readonly city?: string | undefined;
  readonly continent?: string | undefined;
  readonly country?: string | undefined;
  readonly latitude?: string | undefined;
  readonly longitude?: string | undefined;
  readonly colo?: string | undefined;
  readonly postalCode?: string | undefined;
  readonly metroCode?: string | undefined;
  readonly region?: string | undefined;
  readonly regionCode?: string | undefined;
  readonly timezone?: string | undefined;
  /** `HTTP/1.1` or `HTTP/2`, between the client and whoever terminates TLS */
  readonly httpProtocol?: string | undefined;
  /** The leaf as RFC 9440 (`:base64:`); empty without one, or when it is over 10 KiB encoded. Verified or not. */
  readonly clientCert?: string | undefined;
  /** `SUCCESS`, `FAILED` or `NONE` */
  readonly clientMtlsVerificationStatus?: string | undefined;
  /** OpenSSL's text or ours; empty where there is nothing to explain */
  readonly clientMtlsVerificationReason?: string | undefined;
}

/** One JSON line a call. Strings become the message, an object or error becomes data beside it. */
export interface Logger {
  debug(...messages: unknown[]): void;
  info(...messages: unknown[]): void;
  warn(...messages: unknown[]): void;
  error(...messages: unknown[]): void;
  log(...messages: unknown[]): void;
  /** Adds fields to every later line of this request. */
  setLogProperties(properties: Record<string, unknown>): void;
}

export interface RouteConfiguration {
  readonly path: string;
  readonly methods: readonly string[];
  readonly operationId: string | undefined;
  readonly handler: { readonly export: string; readonly module: string; readonly options: unknown };
  /** The operation as it stands in the OpenAPI file. */
  raw(): JsonObject;
}

export type ResponseSendingHook = (
  response: Response,
  request: ZuploRequest,
  context: ZuploContext,
) => Awaitable<Response>;

export type ResponseSendingFinalHook = (
  response: Response,
  request: ZuploRequest,
  context: ZuploContext,
) => Awaitable<void>;

/**
 * A class only so that `import { ZuploContext }` without `type` finds something in every build; the gateway's own is
 * the one implementation.
 */
export abstract class ZuploContext {
  /** Also on the response, as `zp-rid` and `sallyport-request-id` */
  abstract readonly requestId: string;
  /** Differs for each use of a context, where `requestId` may have been given by the edge */
  abstract readonly contextId: string;
  /** Free for user code to carry things from one function to the next */
  abstract readonly custom: Record<string, unknown>;
  abstract readonly incomingRequestProperties: IncomingRequestProperties;
  abstract readonly log: Logger;
  abstract readonly route: RouteConfiguration;
  abstract waitUntil(promise: Promise<unknown>): void;
  /** Runs the inbound policy `name` of `config/policies.json`. A `Response` is the policy's refusal. */
  abstract invokeInboundPolicy(name: string, request: ZuploRequest): Promise<ZuploRequest | Response>;
  abstract invokeOutboundPolicy(name: string, response: Response, request: ZuploRequest): Promise<Response>;
  /** May replace the response; runs after the outbound policies. */
  abstract addResponseSendingHook(hook: ResponseSendingHook): void;
  /** Sees the response that is sent and cannot change it. Clone it to read its body. */
  abstract addResponseSendingFinalHook(hook: ResponseSendingFinalHook): void;
}

export type RequestHandler = (request: ZuploRequest, context: ZuploContext) => Awaitable<unknown>;

export type InboundPolicyHandler<Options = unknown> = (
  request: ZuploRequest,
  context: ZuploContext,
  options: Options,
  policyName: string,
) => Awaitable<ZuploRequest | Request | Response>;

export type OutboundPolicyHandler<Options = unknown> = (
  response: Response,
  request: ZuploRequest,
  context: ZuploContext,
  options: Options,
  policyName: string,
) => Awaitable<Response>;
