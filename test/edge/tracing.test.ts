/** Spans of the ingress: whose child each is, what the worker is told, and that nobody waits for a collector. */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { ROUTE_HEADER } from "../../src/contract/headers.ts";
import { ask, createKeepAliveAgent } from "./harness/client.ts";
import { ERROR, SERVER, startCollector } from "./harness/collector.ts";
import { HOST, startTestEdge, type TestEdgeOptions } from "./harness/edge.ts";
import { askHttp2, connectHttp2 } from "./harness/http2-client.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
/** pino's level */
const WARNING = 40;
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

afterEach(() => void vi.unstubAllEnvs());

/** An edge with these variables of the environment, which it reads when it starts. */
function startWith(variables: Record<string, string>, options?: TestEdgeOptions) {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return startTestEdge(options);
}

describe("a request", () => {
  it("is a span of the client's trace, whose child the worker is to be", async () => {
    await using collector = await startCollector();
    await using edge = await startWith(collector.variables);
    const headers = { traceparent: TRACEPARENT, tracestate: "vendor=1" };
    const { headers: seen } = (await ask(edge, { path: "/a/b?token=secret", headers })).seen();
    const [span] = await collector.waitForSpans(1);
    expect(span).toMatchObject({ name: "GET", traceId: TRACE, parentSpanId: PARENT, kind: SERVER });
    expect(span).toMatchObject({ scope: "sallyport.ingress", service: "sallyport-edge" });
    expect(seen).toMatchObject({ traceparent: `00-${TRACE}-${span?.spanId}-01`, tracestate: "vendor=1" });
    const [line] = await edge.waitForLog("request");
    expect(line).toMatchObject({ traceId: TRACE });
    expect(span?.attributes).toEqual({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "url.scheme": "https",
      "url.path": "/a/b",
      "server.address": HOST,
      "client.address": "127.0.0.1",
      "network.protocol.version": "1.1",
      "tls.protocol.name": "tls",
      "tls.protocol.version": "1.3",
      "tls.cipher": expect.stringMatching(/^TLS_/),
      "sallyport.request_id": line?.requestId,
      "sallyport.account": "acme",
      "sallyport.verdict": "NONE",
    });
  });

  it("says route, verdict and why, and shows the certificate's fingerprint alone", async () => {
    const root = await createCertificateAuthority({ subject: "CN=stranger-ca" });
    const identity = await root.issue({ subject: "CN=secret-subject" });
    await using collector = await startCollector();
    await using edge = await startWith(collector.variables);
    edge.upstream.onRequest = (_, response) => response.setHeader(ROUTE_HEADER, "/v1/items/%7Bid%7D").end("ok");
    await ask(edge, { identity, headers: { authorization: "Bearer secret-header" } });
    const [span] = await collector.waitForSpans(1);
    const [line] = await edge.waitForLog("request");
    expect(span).toMatchObject({ name: "GET /v1/items/{id}", attributes: { "http.route": "/v1/items/{id}" } });
    expect(span?.attributes).toMatchObject({
      "sallyport.verdict": "FAILED",
      "sallyport.verdict.reason": line?.reason,
      "tls.client.hash.sha256": String(line?.fingerprint).replaceAll(":", ""),
    });
    expect(JSON.stringify(collector.exports.map(({ body }) => body))).not.toContain("secret");
  });

  it("over HTTP/2 is one, too", async () => {
    await using collector = await startCollector();
    await using edge = await startWith(collector.variables);
    const session = await connectHttp2(edge);
    const answer = await askHttp2(session, { traceparent: TRACEPARENT });
    session.destroy();
    const [span] = await collector.waitForSpans(1);
    expect(span).toMatchObject({ traceId: TRACE, attributes: { "network.protocol.version": "2" } });
    expect(answer.seen().headers.traceparent).toBe(`00-${TRACE}-${span?.spanId}-01`);
  });

  it.each([
    ["without one", {}],
    ["that is malformed", { traceparent: "00-xyz-1" }],
    ["of zeros", { traceparent: `00-${"0".repeat(32)}-${PARENT}-01` }],
    ["that comes twice", { traceparent: [TRACEPARENT, TRACEPARENT] }],
    ["in another spelling", { TraceParent: "nonsense" }],
  ])("begins a trace where the client's context is one %s, and sends the worker one", async (_, headers) => {
    await using collector = await startCollector();
    await using edge = await startWith(collector.variables);
    const { rawHeaders } = (await ask(edge, { headers })).seen();
    const [span] = await collector.waitForSpans(1);
    expect(span?.traceId).not.toBe(TRACE);
    expect(span?.parentSpanId).toBeUndefined();
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(names.filter((name) => name === "traceparent")).toHaveLength(1);
    expect(rawHeaders).toContain(`00-${span?.traceId}-${span?.spanId}-01`);
  });

  it("that the edge refuses is one, an error where the worker does not answer", async () => {
    await using collector = await startCollector();
    await using edge = await startWith(collector.variables);
    await ask(edge, { headers: { host: "else.test" } });
    edge.upstream.onRequest = (request) => request.socket.destroy();
    await ask(edge);
    const spans = await collector.waitForSpans(2);
    expect(spans.map(({ attributes, status }) => [attributes["http.response.status_code"], status.code ?? 0])).toEqual([
      [421, 0],
      [503, ERROR],
    ]);
  });

  it("with a method that a client made up does not name a span", async () => {
    await using collector = await startCollector();
    await using edge = await startWith(collector.variables);
    await ask(edge, { method: "PROPFIND", path: `/${"a".repeat(2_000)}` });
    const [span] = await collector.waitForSpans(1);
    expect(span).toMatchObject({ name: "HTTP", attributes: { "http.request.method": "_OTHER" } });
    expect(span?.attributes["url.path"]).toHaveLength(1_024);
  });
});

describe("sampling", () => {
  it("is decided here where OTEL_TRACES_SAMPLER says so, whatever the client wants, and told to the worker", async () => {
    await using collector = await startCollector();
    await using edge = await startWith({ ...collector.variables, OTEL_TRACES_SAMPLER: "always_off" });
    const { headers } = (await ask(edge, { headers: { traceparent: TRACEPARENT } })).seen();
    expect(headers.traceparent).toMatch(new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-00$`));
    const [line] = await edge.waitForLog("request");
    expect(line).toMatchObject({ traceId: TRACE });
    await edge.close();
    expect(collector.connections).toBe(0);
  });
});

describe("OpenTelemetry's variables", () => {
  it.each([
    ["none", {}],
    ["OTEL_SDK_DISABLED", { OTEL_SDK_DISABLED: "true" }],
    ["OTEL_TRACES_EXPORTER=none", { OTEL_TRACES_EXPORTER: "none" }],
  ])("%s: the client's context goes on as it came, and nobody connects", async (name, variables) => {
    await using collector = await startCollector();
    await using edge = await startWith(name === "none" ? {} : { ...collector.variables, ...variables });
    const plain = (await ask(edge)).seen();
    expect(plain.headers).not.toHaveProperty("traceparent");
    const traced = (await ask(edge, { headers: { traceparent: TRACEPARENT } })).seen();
    expect(traced.headers).toMatchObject({ traceparent: TRACEPARENT });
    const [line] = await edge.waitForLog("request");
    expect(line).not.toHaveProperty("traceId");
    expect(edge.logEvents("tracing_off")).toEqual([]);
    await edge.close();
    expect(collector.connections).toBe(0);
  });

  it("name the process and its collector's credentials, which are in no span", async () => {
    await using collector = await startCollector();
    const variables = {
      OTEL_SERVICE_NAME: "shop",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=collector-secret",
    };
    await using edge = await startWith({ ...collector.variables, ...variables });
    await ask(edge);
    const [span] = await collector.waitForSpans(1);
    const [{ headers, body } = { headers: {}, body: undefined }] = collector.exports;
    expect(span).toMatchObject({ service: "shop" });
    expect(headers).toMatchObject({ "x-api-key": "collector-secret", "content-type": "application/json" });
    expect(JSON.stringify(body)).toContain("deployment.environment.name");
    expect(JSON.stringify(body)).not.toContain("collector-secret");
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: "zipkin" }, /"zipkin" is not known here, allowed: otlp, console, none/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, /"collector:4318" is not an http: or https: URL/],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /"grpc" is not spoken here/],
  ])("that cannot be, %o, are a warning, and requests are served", async (variables, problem) => {
    await using collector = await startCollector();
    await using edge = await startWith({ ...collector.variables, ...variables });
    expect((await ask(edge)).status).toBe(200);
    expect(edge.logEvents("tracing_off")).toMatchObject([{ msg: expect.stringMatching(problem) }]);
  });

  it("with a value that the SDK does not know are a warning of the SDK's", async () => {
    await using collector = await startCollector();
    await using edge = await startWith({ ...collector.variables, OTEL_TRACES_SAMPLER: "sometimes" });
    expect((await ask(edge)).status).toBe(200);
    expect(edge.logEvents("tracing")).toMatchObject([{ msg: expect.stringContaining("sometimes") }]);
  });
});

describe("a collector", () => {
  it("that never answers delays no request, and the end of the edge for a while only", async () => {
    await using collector = await startCollector(() => {});
    const never = { OTEL_EXPORTER_OTLP_TIMEOUT: "600000", OTEL_BSP_EXPORT_TIMEOUT: "600000" };
    await using edge = await startWith({ ...collector.variables, ...never, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1" });
    const agent = createKeepAliveAgent();
    for (const _ of Array(20)) expect((await ask(edge, { agent })).status).toBe(200);
    agent.destroy();
    await edge.close();
    expect(collector.exports.length).toBeGreaterThan(0);
  });

  it("that is not there fails no request, and the log says so", async () => {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_TIMEOUT: "200" };
    await using edge = await startWith({ ...variables, OTEL_BSP_SCHEDULE_DELAY: "20" });
    expect((await ask(edge)).status).toBe(200);
    const [line] = await edge.waitForLog("tracing");
    expect(line).toMatchObject({ level: WARNING });
    expect((await ask(edge)).status).toBe(200);
  });

  it("gets the last spans before the edge ends", async () => {
    await using collector = await startCollector();
    await using edge = await startWith({ ...collector.variables, OTEL_BSP_SCHEDULE_DELAY: "600000" });
    await ask(edge);
    expect(collector.exports).toHaveLength(0);
    await edge.close();
    expect(await collector.waitForSpans(1)).toHaveLength(1);
  });
});
