/** Which of OpenTelemetry's variables a worker is given. */
import { afterEach, expect, it, vi } from "vitest";
import { selectWorkerTelemetry } from "../../cli/stack/worker-telemetry.ts";

afterEach(() => void vi.restoreAllMocks());

it.each([
  ["nothing is asked for", { OTEL_SERVICE_NAME: "shop" }],
  ["spans go to the console alone", { OTEL_TRACES_EXPORTER: "console", OTEL_SERVICE_NAME: "shop" }],
  ["something cannot be", { OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://collector" }],
])("none where %s", (_, variables) => {
  expect(selectWorkerTelemetry(variables)).toEqual({});
});

it.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }, "http://collector:4318/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector/otlp/" }, "https://collector/otlp/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector/spans" }, "http://collector/spans"],
  [{ OTEL_TRACES_EXPORTER: "console, otlp" }, "http://localhost:4318/v1/traces"],
])("of %o the endpoint, whole", (variables, endpoint) => {
  expect(selectWorkerTelemetry(variables)).toEqual({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint });
});

it("credentials and names, but nothing that would be something else in an env file", () => {
  const said: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
  const selected = selectWorkerTelemetry({
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector",
    OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=secret",
    OTEL_SERVICE_NAME: "shop'\nSALLYPORT_EDGE_JWKS='{}",
    OTEL_TRACES_SAMPLER: "always_off",
  });
  expect(selected).toEqual({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector/v1/traces",
    OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=secret",
  });
  expect(said.join("")).toContain("OTEL_SERVICE_NAME is not passed on to the worker");
});
