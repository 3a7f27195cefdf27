/**
 * The variables of the worker as user code sees them. What configures Sallyport itself is not among them: a project
 * has no business with the edge's keys or tokens, not even by accident in a log line.
 */
import { env } from "cloudflare:workers";

const OWN_VARIABLE_PREFIX = "SALLYPORT_";
/** Credentials of the collector that spans go to */
const TELEMETRY_HEADERS = /^OTEL_EXPORTER_OTLP_(?:TRACES_)?HEADERS$/;

/** The variables of a project: strings only, without Sallyport's own. No prototype, and read-only. */
export function selectProjectVariables(bindings: object): Readonly<Record<string, string | undefined>> {
  const variables: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(bindings)) {
    const isOwn = name.startsWith(OWN_VARIABLE_PREFIX) || TELEMETRY_HEADERS.test(name);
    if (typeof value === "string" && !isOwn) variables[name] = value;
  }
  return Object.freeze(variables);
}

/** @example await fetch(`${environment.ALB_BACKEND_URL}/api`) */
export const environment = selectProjectVariables(env);
