/**
 * The OpenTelemetry SDK of an edge process, made from its environment variables (sampler, batches, exporter, resource). Loaded
 * only where spans are wanted (tracing.ts). What a request waits for is in memory: spans go out in batches from a queue
 * that is bounded, and what does not fit is dropped, so neither clients nor a collector that hangs can fill this process.
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  DiagLogLevel,
  defaultTextMapGetter,
  diag,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter } from "@opentelemetry/sdk-trace-base";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import type { Logger } from "pino";
import type { TracesExporter } from "../../src/contract/telemetry.ts";
import { describeEgress, describeIngress, type SpanDescription } from "./span-descriptions.ts";
import type { RequestSpan, Tracing } from "./tracing.ts";

/** What the last spans get, when the edge ends, in which a collector may be away */
const FLUSH_MS = 3_000;

const propagator = new W3CTraceContextPropagator();

export function createTracing(exporters: readonly TracesExporter[], version: string, logger: Logger): Tracing {
  reportProblems(logger);
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: "sallyport-edge", [ATTR_SERVICE_VERSION]: version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: exporters.map((exporter) => new BatchSpanProcessor(createExporter(exporter))),
  });
  const ingress = provider.getTracer("sallyport.ingress", version);
  const egress = provider.getTracer("sallyport.egress", version);
  return {
    traceIngress: (headers) => startSpan(ingress, SpanKind.SERVER, headers, describeIngress),
    traceEgress: (headers) => startSpan(egress, SpanKind.CLIENT, headers, describeEgress),
    async close() {
      const flushed = provider.shutdown().catch((error: unknown) => diag.warn(String(error)));
      await Promise.race([flushed, delay(FLUSH_MS, undefined, { ref: false })]);
    },
  };
}

function createExporter(exporter: TracesExporter) {
  switch (exporter) {
    case "otlp":
      return new OTLPTraceExporter();
    case "console":
      return new ConsoleSpanExporter();
  }
}

/** What the SDK has to say, of a value that it does not understand or a collector that is away, goes into our log. */
function reportProblems(logger: Logger): void {
  const warn = (message: string) => logger.warn({ event: "tracing" }, message);
  const ignore = () => {};
  const levels = { error: warn, warn, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(levels, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

function startSpan<Record>(
  tracer: Tracer,
  kind: SpanKind,
  headers: NodeJS.Dict<string | string[]>,
  describe: (record: Record) => SpanDescription,
): RequestSpan<Record> {
  const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  const span = tracer.startSpan("HTTP", { kind }, parent);
  return {
    traceId: span.spanContext().traceId,
    passOn: (given) => [...withoutTraceContext(given), ...encodeContext(span.spanContext())],
    end: (record) => endSpan(span, record, describe),
  };
}

function endSpan<Record>(span: Span, record: Record, describe: (record: Record) => SpanDescription): void {
  if (span.isRecording()) {
    const { name, attributes, status } = describe(record);
    span.updateName(name).setAttributes(attributes).setStatus(status);
  }
  span.end();
}

const TRACE_CONTEXT_HEADERS: ReadonlySet<string> = new Set(["traceparent", "tracestate"]);

function withoutTraceContext(headers: readonly string[]): string[] {
  return headers.filter(
    (_, index) => !TRACE_CONTEXT_HEADERS.has((headers[index - (index % 2)] as string).toLowerCase()),
  );
}

function encodeContext(spanContext: SpanContext): string[] {
  const headers: string[] = [];
  const set = (_carrier: unknown, name: string, value: string) => void headers.push(name, value);
  propagator.inject(trace.setSpanContext(ROOT_CONTEXT, spanContext), headers, { set });
  return headers;
}
