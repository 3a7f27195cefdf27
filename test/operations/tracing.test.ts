/** One request through edge, worker, egress and an origin that verifies certificates: one trace, and one id in three logs. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  CLIENT,
  type Collector,
  type ExportedSpan,
  INTERNAL,
  SERVER,
  startCollector,
} from "../edge/harness/collector.ts";
import { type Curl, createCurl } from "../system/curl.ts";
import { copyExampleProject, createFolder, type DevStack, startStack, waitFor } from "../system/sallyport.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const HANDLER = `
import { environment, ZuploContext, ZuploRequest } from "@zuplo/runtime";

export default async function (request: ZuploRequest, context: ZuploContext) {
  await new Promise((resolve) => setTimeout(resolve, 1));
  context.log.info("calling the origin");
  return fetch(\`\${environment.ALB_BACKEND_URL}/api?token=secret-query\`, {
    headers: { authorization: "Bearer secret-header" },
    zuplo: { mtlsCertificate: environment.ALB_MTLS_CERT },
  });
}
`;

const folder = createFolder();
let collector: Collector;
let project: string;

beforeAll(async () => {
  collector = await startCollector();
  project = copyExampleProject(folder.path);
  writeFileSync(join(project, "modules", "alb-function.ts"), HANDLER);
});
afterAll(async () => {
  await collector?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Lines of ingress, worker and egress that have `requestId`. */
function linesOf({ running }: DevStack, requestId: string | undefined): Record<string, unknown>[] {
  const lines = running.output.stderr.split("\n").filter((line) => line.includes(String(requestId)));
  return lines.map((line) => {
    const event = JSON.parse(line) as Record<string, unknown>;
    const printed = /\[worker\] (\{.*\})/.exec(String(event.msg))?.[1];
    return printed === undefined ? event : { event: "worker", ...JSON.parse(printed) };
  });
}

/** A stack whose environment has `variables`. */
async function start(variables: Record<string, string>): Promise<DevStack> {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const parameters = ["--project-dir", project, "--log-format", "json", "--metrics-port", "0"];
  return await startStack("serve", folder.path, parameters).finally(() => vi.unstubAllEnvs());
}

const openCurl = ({ ready }: DevStack): Curl => createCurl(ready.edge, ready.files.edgeCa ?? "");

describe("with a collector", () => {
  let stack: DevStack;
  let curl: Curl;
  beforeAll(async () => {
    stack = await start({ ...collector.variables, OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=collector-secret" });
    curl = openCurl(stack);
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  it("ingress, worker and egress are one trace, which the origin is told of, and nothing secret is in it", async () => {
    const answer = await curl("/v1/alb-function", undefined, "-H", `traceparent: 00-${TRACE}-${PARENT}-01`);
    expect(answer.status).toBe(200);
    const spans = await collector.waitForSpans(4);
    const of = (scope: string, kind: number) =>
      spans.find((span) => span.scope === `sallyport.${scope}` && span.kind === kind) as ExportedSpan;
    const path = [of("ingress", SERVER), of("worker", INTERNAL), of("worker", CLIENT), of("egress", CLIENT)];
    expect(path.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE, TRACE]);
    expect(path.map(({ parentSpanId }) => parentSpanId)).toEqual([
      PARENT,
      ...path.slice(0, 3).map((one) => one.spanId),
    ]);
    expect(path.map(({ service }) => service)).toEqual([
      "sallyport-edge",
      "sallyport-worker",
      "sallyport-worker",
      "sallyport-edge",
    ]);
    const origin = answer.json<{ headers: Record<string, string> }>();
    expect(origin.headers.traceparent).toBe(`00-${TRACE}-${path[3]?.spanId}-01`);
    expect(path[0]?.attributes).toMatchObject({ "http.route": "/v1/alb-function", "http.response.status_code": 200 });
    expect(path[3]?.attributes).toMatchObject({ "sallyport.mtls_certificate": "aws_alb_cert" });
    const text = JSON.stringify(collector.exports.map(({ body }) => body));
    const token = /SALLYPORT_EGRESS_TOKEN='([^']+)'/.exec(readFileSync(join(stack.stateDir, "worker.env"), "utf8"));
    for (const secret of ["collector-secret", "secret-query", "secret-header", "BEGIN", token?.[1] ?? ""]) {
      expect(text.includes(secret), secret).toBe(false);
    }
    expect(collector.exports.every(({ headers }) => headers["x-api-key"] === "collector-secret")).toBe(true);
  });

  it("all three logs have the id of the request, and of the trace", async () => {
    const id = (await curl("/v1/alb-function")).headers["zp-rid"];
    const lines = await waitFor(() => {
      const found = linesOf(stack, id);
      return found.length >= 3 ? found : undefined;
    });
    expect(lines.map(({ event }) => event).sort()).toEqual(["egress", "request", "worker"]);
    expect(new Set(lines.map(({ requestId }) => requestId))).toEqual(new Set([id]));
    const [traceId, ...others] = new Set(lines.map((line) => line.traceId));
    expect(others).toEqual([]);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it("a forwarding handler passes the trace on", async () => {
    const trace = "ab".repeat(16);
    const answer = await curl("/v1/alb/x", undefined, "-H", `traceparent: 00-${trace}-${PARENT}-01`);
    const { headers } = answer.json<{ headers: Record<string, string> }>();
    expect(headers.traceparent).toMatch(new RegExp(`^00-${trace}-(?!${PARENT})[0-9a-f]{16}-01$`));
  });

  it("the worker's variables, credentials among them, are for this user alone", () => {
    const path = join(stack.stateDir, "worker.env");
    expect(readFileSync(path, "utf8")).toContain("OTEL_EXPORTER_OTLP_HEADERS='x-api-key=collector-secret'");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

it("with a collector that never answers requests are answered, and the stack ends", async () => {
  await using hanging = await startCollector(() => {});
  const impatient = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1", OTEL_EXPORTER_OTLP_TIMEOUT: "2000" };
  const stack = await start({ ...hanging.variables, ...impatient });
  const curl = openCurl(stack);
  for (const _ of Array(3)) expect((await curl("/v1/alb-function")).status).toBe(200);
  await waitFor(() => (hanging.exports.length >= 2 ? true : undefined));
  expect((await curl("/v1/alb-function")).status).toBe(200);
  await stack[Symbol.asyncDispose]();
  expect(stack.running.child.exitCode).toBe(0);
});

it("without OpenTelemetry's variables the three logs still have the request's id, and no header is added", async () => {
  await using quiet = await startCollector();
  await using stack = await start({});
  const answer = await openCurl(stack)("/v1/alb-function");
  const lines = await waitFor(() => {
    const found = linesOf(stack, answer.headers["zp-rid"]);
    return found.length >= 3 ? found : undefined;
  });
  expect(lines.map(({ event }) => event).sort()).toEqual(["egress", "request", "worker"]);
  for (const line of lines) expect(line).not.toHaveProperty("traceId");
  expect(answer.json<{ headers: Record<string, string> }>().headers).not.toHaveProperty("traceparent");
  expect(readFileSync(join(stack.stateDir, "worker.env"), "utf8")).not.toContain("OTEL_");
  expect(quiet.connections).toBe(0);
});
