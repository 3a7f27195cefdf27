/**
 * OpenTelemetry's variables for traces (opentelemetry.io, "Environment Variable Specification" and "OTLP Exporter Configuration"),
 * as far as edge and worker have to agree: whether spans are wanted, and where they go. Off unless asked for. All else the
 * SDK reads by itself.
 */

export const TRACES_EXPORTERS = ["otlp", "console"] as const;
export type TracesExporter = (typeof TRACES_EXPORTERS)[number];

export type Telemetry =
  | { readonly kind: "off" }
  /** Off, and whoever set the variables should be told why */
  | { readonly kind: "invalid"; readonly problem: string }
  | {
      readonly kind: "on";
      readonly exporters: readonly TracesExporter[];
      /** Where OTLP/HTTP spans are posted to, absolute */
      readonly endpoint: string;
    };

type Variables = Readonly<Record<string, unknown>>;

/** Values of these are passed on to the worker; those of HEADERS are credentials. */
export const WORKER_TELEMETRY_VARIABLES = [
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
  "OTEL_EXPORTER_OTLP_TIMEOUT",
  "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
] as const;

/** Says by itself that a worker exports, and where to. */
export const TRACES_ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/** As OpenTelemetry has it for whoever names an exporter and no endpoint */
const DEFAULT_ENDPOINT = "http://localhost:4318";

export function readTelemetry(variables: Variables): Telemetry {
  const read = (name: string) => readVariable(variables, name);
  const named = read("OTEL_TRACES_EXPORTER");
  const own = read(TRACES_ENDPOINT_VARIABLE);
  const shared = read("OTEL_EXPORTER_OTLP_ENDPOINT");
  const isAskedFor = (named ?? own ?? shared) !== undefined;
  if (!isAskedFor || read("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return { kind: "off" };
  const exporters = (named ?? "otlp").split(",").map((name) => name.trim());
  if (exporters.includes("none")) return { kind: "off" };
  const unknown = exporters.find((name) => !isExporter(name));
  if (unknown !== undefined) {
    return invalid(`OTEL_TRACES_EXPORTER: "${unknown}" is not known here, allowed: otlp, console, none`);
  }
  if ((read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? read("OTEL_EXPORTER_OTLP_PROTOCOL")) === "grpc") {
    return invalid('OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not spoken here, spans are sent as http/json');
  }
  const endpoint = URL.parse(own ?? `${(shared ?? DEFAULT_ENDPOINT).replace(/\/$/, "")}/v1/traces`);
  if (endpoint?.protocol !== "http:" && endpoint?.protocol !== "https:") {
    return invalid(`OTEL_EXPORTER_OTLP_ENDPOINT: "${own ?? shared}" is not an http: or https: URL`);
  }
  return { kind: "on", exporters: exporters.filter(isExporter), endpoint: endpoint.href };
}

function invalid(problem: string): Telemetry {
  return { kind: "invalid", problem };
}

function isExporter(name: string): name is TracesExporter {
  return TRACES_EXPORTERS.some((known) => known === name);
}

/** An empty value is none, as OpenTelemetry has it. */
function readVariable(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}
