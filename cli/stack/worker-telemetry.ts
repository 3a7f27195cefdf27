/** OpenTelemetry's variables of this process, as far as its worker needs them to send its own spans to the same collector. */
import { readTelemetry, TRACES_ENDPOINT_VARIABLE, WORKER_TELEMETRY_VARIABLES } from "../../src/contract/telemetry.ts";
import { warning } from "../output.ts";

/** What no value in an env file may have (state-directory.ts). Headers and attributes may be percent-encoded. */
const UNWRITABLE = /['\r\n]/;

/** Empty where no spans are sent anywhere. */
export function selectWorkerTelemetry(variables: NodeJS.ProcessEnv): Record<string, string> {
  const telemetry = readTelemetry(variables);
  if (telemetry.kind !== "on" || !telemetry.exporters.includes("otlp")) return {};
  const passedOn: Record<string, string> = { [TRACES_ENDPOINT_VARIABLE]: telemetry.endpoint };
  for (const name of WORKER_TELEMETRY_VARIABLES) {
    const value = variables[name];
    if (value === undefined) continue;
    if (UNWRITABLE.test(value))
      warning(`${name} is not passed on to the worker: write ' and line breaks as %27 and %0A`);
    else passedOn[name] = value;
  }
  return passedOn;
}
