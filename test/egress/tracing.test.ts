/** Spans of the egress: child of the worker's, parent of what the origin does. */
import pino from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { openTracing, type Tracing } from "../../edge-shim/tracing/tracing.ts";
import { CLIENT, type Collector, ERROR, startCollector } from "../edge/harness/collector.ts";
import { startTestEgress, type TestEgress } from "./harness/egress.ts";
import { type Origin, PROTOCOLS, type SeenRequest, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const CONTEXT = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "vendor=1" };

let pki: TestPki;
let collector: Collector;
let tracing: Tracing | undefined;

beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(async () => {
  await tracing?.close();
  vi.unstubAllEnvs();
});
afterAll(() => collector?.[Symbol.asyncDispose]());

/** An egress that sends spans to a new collector. */
async function startTraced(): Promise<TestEgress> {
  await collector?.[Symbol.asyncDispose]();
  collector = await startCollector();
  for (const [name, value] of Object.entries(collector.variables)) vi.stubEnv(name, value);
  tracing = await openTracing("test", pino({ level: "silent" }));
  return startTestEgress({ ...pki.outbound(), ...(tracing && { tracing }) });
}

/** Values of the header `name` as the origin saw them. */
function seenBy(text: string, name: string): string[] {
  const { rawHeaders } = JSON.parse(text) as SeenRequest;
  return rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === name && index % 2 === 1);
}

describe.each(PROTOCOLS)("an exchange over %s", (protocol) => {
  let origin: Origin;
  beforeAll(async () => {
    origin = await startOrigin(pki, { protocol });
  });
  afterAll(() => origin[Symbol.asyncDispose]());

  it("is a child of the worker's span, and the origin is told of it in place of that", async () => {
    await using egress = await startTraced();
    const headers = { ...CONTEXT, authorization: "Bearer secret-header" };
    const { text } = await egress.ask(`${origin.url}/path?token=secret-query`, { headers, requestId: "an-id" });
    const [span] = await collector.waitForSpans(1);
    expect(span).toMatchObject({ name: "GET", traceId: TRACE, parentSpanId: PARENT, kind: CLIENT });
    expect(span).toMatchObject({ scope: "sallyport.egress", status: {} });
    expect(span?.attributes).toEqual({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "server.address": "localhost",
      "server.port": origin.port,
      "sallyport.request_id": "an-id",
      "sallyport.project": "acme/shop",
      "sallyport.mtls_certificate": "gateway",
      "sallyport.mtls_certificate.version": "1",
    });
    expect(seenBy(text, "traceparent")).toEqual([`00-${TRACE}-${span?.spanId}-01`]);
    expect(seenBy(text, "tracestate")).toEqual(["vendor=1"]);
    expect(await egress.waitForEvents()).toMatchObject([{ traceId: TRACE, requestId: "an-id" }]);
    expect(JSON.stringify(collector.exports.map(({ body }) => body))).not.toContain("secret");
  });
});

describe("an exchange", () => {
  it("that fails is an error with its code and no status", async () => {
    await using egress = await startTraced();
    await egress.ask("http://localhost/", { headers: CONTEXT });
    const [span] = await collector.waitForSpans(1);
    expect(span).toMatchObject({ status: { code: ERROR }, attributes: { "error.type": "origin_unreachable" } });
    expect(span?.attributes).not.toHaveProperty("http.response.status_code");
  });

  it("of a worker that sends no trace, or none that can be read, begins one", async () => {
    await using origin = await startOrigin(pki);
    await using egress = await startTraced();
    const { text } = await egress.ask(`${origin.url}/`, { headers: { traceparent: "nonsense" } });
    const [span] = await collector.waitForSpans(1);
    expect(span?.parentSpanId).toBeUndefined();
    expect(seenBy(text, "traceparent")).toEqual([`00-${span?.traceId}-${span?.spanId}-01`]);
  });

  it("of a caller without a valid token is no span, so that strangers cannot fill the queue", async () => {
    await using egress = await startTraced();
    await egress.ask("https://localhost/", { headers: CONTEXT, token: "wrong" });
    await tracing?.close();
    expect(collector.connections).toBe(0);
  });
});

it("without tracing the worker's trace context goes to the origin as it came", async () => {
  await using origin = await startOrigin(pki);
  await using egress = await startTestEgress(pki.outbound());
  const { text } = await egress.ask(`${origin.url}/`, { headers: CONTEXT });
  expect(seenBy(text, "traceparent")).toEqual([CONTEXT.traceparent]);
  expect((await egress.waitForEvents())[0]).not.toHaveProperty("traceId");
});
