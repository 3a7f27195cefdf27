/**
 * Traces of ingress and egress, by OpenTelemetry: off unless its standard variables ask for them, and then nothing of it is
 * loaded. The SDK reads these variables by itself (docs/operations.md, "Traces"). A mistake in them is a warning and no
 * traces: telemetry takes no gateway down.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Logger } from "pino";
import { readTelemetry } from "../../src/contract/telemetry.ts";
import type { EgressRecord } from "../egress/egress-log.ts";
import type { RequestRecord } from "../ingress/request-log.ts";

/** One request, from its headers to the line in the log that it is described by. */
export interface RequestSpan<Record> {
  /** 32 hexadecimal digits, as in the log */
  readonly traceId: string;
  /** `headers` (name, value, name, value …) with this span's trace context in place of any other. */
  passOn(headers: readonly string[]): string[];
  end(record: Record): void;
}

/** W3C Trace Context of `headers` is continued; one that is malformed, or comes twice, is none. */
export interface Tracing {
  traceIngress(headers: IncomingHttpHeaders): RequestSpan<RequestRecord>;
  traceEgress(headers: IncomingHttpHeaders): RequestSpan<EgressRecord>;
  /** Sends what is left, or gives that up after a while. */
  close(): Promise<void>;
}

/** Undefined where nothing is traced. @param version of this program */
export async function openTracing(version: string, logger: Logger): Promise<Tracing | undefined> {
  const telemetry = readTelemetry(process.env);
  if (telemetry.kind === "off") return undefined;
  try {
    if (telemetry.kind === "invalid") throw new Error(telemetry.problem);
    const { createTracing } = await import("./opentelemetry.ts");
    return createTracing(telemetry.exporters, version, logger);
  } catch (error) {
    logger.warn({ event: "tracing_off" }, `no spans are recorded: ${(error as Error).message}`);
    return undefined;
  }
}
