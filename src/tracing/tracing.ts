/** Whether this worker records spans: where its variables ask for it, and only then OpenTelemetry is loaded. */
import { readTelemetry } from "../contract/telemetry.ts";
import type { RequestTrace } from "./request-trace.ts";

export interface Tracing {
  /** Of a request with these headers; spans are sent in what `executionContext` waits for. */
  startRequest(
    request: Pick<Request, "method" | "headers">,
    requestId: string,
    executionContext: Pick<ExecutionContext, "waitUntil">,
  ): RequestTrace;
}

/**
 * Undefined where nothing is traced; a mistake in the variables is said once, and nothing is traced: telemetry takes no
 * gateway down.
 *
 * @param plainFetch the runtime's own
 */
export function openTracing(
  variables: Readonly<Record<string, unknown>>,
  plainFetch: typeof fetch,
): Promise<Tracing | undefined> | undefined {
  const telemetry = readTelemetry(variables);
  if (telemetry.kind === "invalid") console.warn(JSON.stringify({ level: "warn", message: telemetry.problem }));
  if (telemetry.kind !== "on" || !telemetry.exporters.includes("otlp")) return undefined;
  const { endpoint } = telemetry;
  return import("./opentelemetry.ts").then(
    ({ createTracing }) => createTracing({ endpoint, variables, plainFetch }),
    (error: unknown) => {
      console.warn(JSON.stringify({ level: "warn", message: `no spans are recorded: ${String(error)}` }));
      return undefined;
    },
  );
}
