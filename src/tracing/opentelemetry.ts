/**
 * Spans of the gateway worker, by OpenTelemetry: one for each request, a child for each `fetch` that presents a certificate.
 * The edge has decided whether a trace is sampled, and says so in `traceparent`; without an edge in front everything is.
 * Loaded only where spans are wanted (tracing.ts). No span holds a query, a header, a body or a message of an error.
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { parseKeyPairsIntoRecord, W3CTraceContextPropagator } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, BasicTracerProvider, ParentBasedSampler } from "@opentelemetry/sdk-trace-base";
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_SERVICE_NAME,
} from "@opentelemetry/semantic-conventions";
import type { RouteDefinition } from "../contract/project.ts";
import type { RequestWithHeaders } from "../runtime/certificate-transport.ts";
import type { FetchTrace, RequestTrace } from "./request-trace.ts";
import { SpanQueue } from "./span-queue.ts";
import type { Tracing } from "./tracing.ts";

const SCOPE = "sallyport.worker";
const DEFAULT_TIMEOUT_MS = 10_000;
const HTTPS_PORT = 443;

type Variables = Readonly<Record<string, unknown>>;

export interface TracingOptions {
  endpoint: string;
  variables: Variables;
  plainFetch: typeof fetch;
}

const propagator = new W3CTraceContextPropagator();

export function createTracing({ endpoint, variables, plainFetch }: TracingOptions): Tracing {
  const queue = new SpanQueue({
    endpoint,
    headers: readHeaders(variables),
    timeoutMs: readTimeout(variables),
    plainFetch,
  });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: "sallyport-worker",
      ...parseKeyPairsIntoRecord(readText(variables, "OTEL_RESOURCE_ATTRIBUTES")),
      ...serviceName(readText(variables, "OTEL_SERVICE_NAME")),
    }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [queue],
  });
  const tracer = provider.getTracer(SCOPE);
  return {
    startRequest({ method, headers }, requestId, executionContext) {
      const parent = propagator.extract(ROOT_CONTEXT, headers, HEADERS_GETTER);
      const attributes = { [ATTR_HTTP_REQUEST_METHOD]: method, "sallyport.request_id": requestId };
      const start = (name: string, kind: SpanKind, given: Attributes, context: Context) =>
        tracer.startSpan(name, { kind, attributes: given }, context);
      const span = start(method, SpanKind.INTERNAL, attributes, parent);
      return new WorkerTrace(span, method, start, () => queue.sendSoon(executionContext));
    },
  };
}

type StartSpan = (name: string, kind: SpanKind, attributes: Attributes, parent: Context) => Span;

class WorkerTrace implements RequestTrace {
  readonly traceId: string;
  readonly #span: Span;
  readonly #method: string;
  readonly #start: StartSpan;
  readonly #sendSoon: () => void;

  constructor(span: Span, method: string, start: StartSpan, sendSoon: () => void) {
    this.traceId = span.spanContext().traceId;
    this.#span = span;
    this.#method = method;
    this.#start = start;
    this.#sendSoon = sendSoon;
  }

  writeTo(headers: Headers): void {
    writeContext(this.#span, headers);
  }

  describeRoute({ path, handler, policies }: RouteDefinition): void {
    this.#span.updateName(`${this.#method} ${path}`).setAttributes({
      [ATTR_HTTP_ROUTE]: path,
      "sallyport.handler": `${handler.module}#${handler.export}`,
      "sallyport.policies.inbound": policies.inbound,
      "sallyport.policies.outbound": policies.outbound,
    });
  }

  startFetch({ url, method, headers }: RequestWithHeaders, certificate: unknown): FetchTrace {
    const { hostname, port } = new URL(url);
    const attributes = {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_SERVER_ADDRESS]: hostname,
      [ATTR_SERVER_PORT]: Number(port) || HTTPS_PORT,
      "sallyport.mtls_certificate": String(certificate),
    };
    const span = this.#start(method, SpanKind.CLIENT, attributes, trace.setSpan(ROOT_CONTEXT, this.#span));
    writeContext(span, headers);
    return {
      answered: (status) => this.#finish(span, status, CLIENT_ERROR_STATUS),
      failed: (reason) => {
        span.setAttribute(ATTR_ERROR_TYPE, reason).setStatus({ code: SpanStatusCode.ERROR }).end();
        this.#sendSoon();
      },
    };
  }

  end(status: number): void {
    this.#finish(this.#span, status, SERVER_ERROR_STATUS);
  }

  #finish(span: Span, status: number, errorFrom: number): void {
    span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
    if (status >= errorFrom)
      span.setAttribute(ATTR_ERROR_TYPE, String(status)).setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    this.#sendSoon();
  }
}

/** Semantic conventions for HTTP, "Status": what a client calls an error, and what a server does */
const CLIENT_ERROR_STATUS = 400;
const SERVER_ERROR_STATUS = 500;

const HEADERS_GETTER = {
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
  keys: (headers: Headers) => [...headers.keys()],
};
const HEADERS_SETTER = { set: (headers: Headers, name: string, value: string) => headers.set(name, value) };

function writeContext(span: Span, headers: Headers): void {
  headers.delete("tracestate");
  propagator.inject(trace.setSpan(ROOT_CONTEXT, span), headers, HEADERS_SETTER);
}

function readText(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

function readHeaders(variables: Variables): Record<string, string> {
  return {
    ...parseKeyPairsIntoRecord(readText(variables, "OTEL_EXPORTER_OTLP_HEADERS")),
    ...parseKeyPairsIntoRecord(readText(variables, "OTEL_EXPORTER_OTLP_TRACES_HEADERS")),
  };
}

/** Milliseconds */
function readTimeout(variables: Variables): number {
  const given =
    readText(variables, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") ?? readText(variables, "OTEL_EXPORTER_OTLP_TIMEOUT");
  const timeoutMs = Number(given);
  return timeoutMs > 0 && Number.isFinite(timeoutMs) ? timeoutMs : DEFAULT_TIMEOUT_MS;
}

function serviceName(name: string | undefined): Attributes {
  return name === undefined ? {} : { [ATTR_SERVICE_NAME]: name };
}
