/** Spans of the worker: whose child each is, what leaves with which trace context, and what is in none of them. */
import { describe, expect, it } from "vitest";
import type { RequestHandler } from "../../src/runtime/context.ts";
import { selectProjectVariables } from "../../src/runtime/environment.ts";
import { captureConsole } from "./console.ts";
import { EGRESS_VARIABLES, type Mirrored, startHandler } from "./outbound.ts";

const log = captureConsole();

const sallyport = { mtlsCertificate: "aws_alb_cert" };
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const SAMPLED = { traceparent: `00-${TRACE}-${PARENT}-01` };

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  attributes: Record<string, unknown>;
  status: { code?: number };
}
const INTERNAL = 1;
const CLIENT = 3;
const ERROR = 2;

/** As OTLP's JSON has them. */
interface Export {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: (Omit<Span, "attributes"> & { attributes: Attribute[] })[] }[];
  }[];
}
interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

const readAttributes = (list: Attribute[]) =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));

let collectors = 0;

/** A worker whose spans go to a collector of its own. */
function startTraced(handler: Parameters<typeof startHandler>[0], more: Record<string, unknown> = {}, name = "c") {
  const host = `${name}${++collectors}.collector.example`;
  const worker = startHandler(handler, { ...EGRESS_VARIABLES, OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}`, ...more });
  const readPosted = async () =>
    (await (await fetch(`http://${host}/posted`)).json()) as { headers: Record<string, string>; body: Export }[];
  return {
    get: (path = "/", headers: HeadersInit = {}) =>
      worker.fetch(new Request(`https://api.example.com${path}`, { headers })),
    readPosted,
    async readSpans(): Promise<Span[]> {
      const resourceSpans = (await readPosted()).flatMap(({ body }) => body.resourceSpans);
      const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
      return spans.map((span) => ({ ...span, attributes: readAttributes(span.attributes) }));
    },
  };
}

const callOrigin: RequestHandler = () => fetch("https://origin.example:8443/a?secret=1", { sallyport });
const traceparentOf = async (response: Response) => (await response.json<Mirrored>()).headers.traceparent;

describe("a request", () => {
  it("is a span of the caller's trace, and each fetch with a certificate a child of it that the egress is told of", async () => {
    const { get, readSpans } = startTraced(callOrigin);
    const response = await get("/", SAMPLED);
    const [fetched, served] = await readSpans();
    expect(served).toMatchObject({ name: "GET /*", traceId: TRACE, parentSpanId: PARENT, kind: INTERNAL });
    expect(served?.attributes).toMatchObject({
      "http.request.method": "GET",
      "http.route": "/*",
      "http.response.status_code": 200,
      "sallyport.handler": "./modules/handler#default",
      "sallyport.request_id": response.headers.get("sallyport-request-id"),
    });
    expect(fetched).toMatchObject({ name: "GET", traceId: TRACE, parentSpanId: served?.spanId, kind: CLIENT });
    expect(fetched?.attributes).toEqual({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "server.address": "origin.example",
      "server.port": 8443,
      "sallyport.mtls_certificate": "aws_alb_cert",
    });
    expect(await traceparentOf(response)).toBe(`00-${TRACE}-${fetched?.spanId}-01`);
  });

  it.each([
    ["without a trace", {}],
    ["with a malformed one", { traceparent: "00-abc-def-01" }],
    ["with a trace of zeros", { traceparent: `00-${"0".repeat(32)}-${PARENT}-01` }],
    ["with two", { traceparent: `${SAMPLED.traceparent}, ${SAMPLED.traceparent}` }],
  ])("%s begins one", async (_, headers) => {
    const { get, readSpans } = startTraced(() => "");
    await get("/", headers as HeadersInit);
    const [served] = await readSpans();
    expect(served?.traceId).toMatch(/^(?!4bf92f)[0-9a-f]{32}$/);
    expect(served?.parentSpanId).toBeUndefined();
  });

  it("that is not sampled is not exported, and says so to whoever comes next", async () => {
    const { get, readPosted } = startTraced(callOrigin);
    const response = await get("/", { traceparent: `00-${TRACE}-${PARENT}-00` });
    expect(await traceparentOf(response)).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    expect(await readPosted()).toEqual([]);
  });

  it("that fails is an error, of a route or of none", async () => {
    const { get, readSpans } = startTraced(() => {
      throw new Error("a secret in a message");
    });
    await get("/", SAMPLED);
    const [served] = await readSpans();
    expect(served).toMatchObject({ status: { code: ERROR }, attributes: { "error.type": "500" } });
    expect(JSON.stringify(served)).not.toContain("secret");
  });

  it("has its trace in its log lines", async () => {
    const { get } = startTraced((_, context) => context.log.info("hello"));
    await get("/", SAMPLED);
    expect(log).toContainEqual(expect.objectContaining({ message: "hello", traceId: TRACE }));
  });
});

describe("what leaves", () => {
  it("by a fetch that fails is an error with its code", async () => {
    const { get, readSpans } = startTraced(() =>
      fetch("https://origin.example/", { sallyport: { mtlsCertificate: "origin_timeout" } }),
    );
    await get("/", SAMPLED);
    const [fetched] = await readSpans();
    expect(fetched).toMatchObject({
      kind: CLIENT,
      status: { code: ERROR },
      attributes: { "error.type": "origin_timeout" },
    });
  });

  it("has the trace context of its own span, whatever user code copied", async () => {
    const { get, readSpans } = startTraced((request) =>
      fetch("https://origin.example/", { headers: request.headers, sallyport }),
    );
    const response = await get("/", { ...SAMPLED, tracestate: "vendor=1" });
    const { headers } = await response.json<Mirrored>();
    const [fetched] = await readSpans();
    expect(headers).toMatchObject({ traceparent: `00-${TRACE}-${fetched?.spanId}-01`, tracestate: "vendor=1" });
  });

  it("has no state of another trace", async () => {
    const { get } = startTraced(() =>
      fetch("https://origin.example/", { headers: { tracestate: "other=1" }, sallyport }),
    );
    const { headers } = await (await get("/", SAMPLED)).json<Mirrored>();
    expect(headers).not.toHaveProperty("tracestate");
  });

  it("by a binding, without any egress, is a span, too", async () => {
    const bound = { fetch: (request: Request) => Response.json({ headers: Object.fromEntries(request.headers) }) };
    const withoutEgress = Object.fromEntries(Object.keys(EGRESS_VARIABLES).map((name) => [name, undefined]));
    const { get, readSpans } = startTraced(callOrigin, { ...withoutEgress, aws_alb_cert: bound });
    const response = await get("/", SAMPLED);
    const [fetched] = await readSpans();
    expect(await traceparentOf(response)).toBe(`00-${TRACE}-${fetched?.spanId}-01`);
  });

  it("by a redirect is a span of its own", async () => {
    const { get, readSpans } = startTraced(() =>
      fetch("https://origin.example/redirect?to=/b&status=307", { sallyport }),
    );
    const response = await get("/", SAMPLED);
    const fetched = (await readSpans()).filter(({ kind }) => kind === CLIENT);
    expect(fetched.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([307, 200]);
    expect(await traceparentOf(response)).toBe(`00-${TRACE}-${fetched[1]?.spanId}-01`);
  });

  it("by a handler that forwards without a certificate is a child of the request", async () => {
    const { get, readSpans } = startTraced({ export: "urlForwardHandler", options: { baseUrl: "https://o.example" } });
    const response = await get("/", SAMPLED);
    const [served] = await readSpans();
    expect(await traceparentOf(response)).toBe(`00-${TRACE}-${served?.spanId}-01`);
  });

  it("by an ordinary fetch of user code is left as it is", async () => {
    const { get } = startTraced(() => fetch("https://origin.example/"));
    expect(await traceparentOf(await get("/", SAMPLED))).toBeUndefined();
  });
});

describe("the collector", () => {
  it("is told whose spans they are, with the headers that it wants, and nothing of what is secret", async () => {
    const variables = {
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=collector-secret%21",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=overridden",
      OTEL_SERVICE_NAME: "shop",
    };
    const { get, readPosted } = startTraced(callOrigin, variables);
    await get("/path?token=query-secret", { ...SAMPLED, authorization: "Bearer header-secret" });
    const [{ headers, body } = { headers: {}, body: undefined }] = await readPosted();
    expect(headers).toMatchObject({ "x-api-key": "collector-secret!", "content-type": "application/json" });
    expect(readAttributes(body?.resourceSpans[0]?.resource.attributes ?? [])).toMatchObject({
      "service.name": "shop",
      "deployment.environment.name": "test",
    });
    const text = JSON.stringify(body);
    for (const secret of ["collector-secret", "query-secret", "header-secret", "secret=1", "a-token-of-this-test"]) {
      expect(text).not.toContain(secret);
    }
  });

  it("that fails changes no answer, and is said once", async () => {
    const { get } = startTraced(() => "hello", {}, "failing");
    for (const _ of [1, 2]) expect((await get("/", SAMPLED)).status).toBe(200);
    const warnings = log.filter(({ message }) => String(message).includes("spans could not be exported"));
    expect(warnings).toMatchObject([{ message: "spans could not be exported: the collector answered 503" }]);
  });
});

describe("without OpenTelemetry's variables", () => {
  it("nothing leaves that did not before", async () => {
    const response = await startHandler(callOrigin).fetch(
      new Request("https://api.example.com/", { headers: SAMPLED }),
    );
    expect(await traceparentOf(response)).toBeUndefined();
  });

  it("log lines have no trace", async () => {
    await startHandler((_, context) => context.log.info("quiet")).fetch("/");
    expect(log.find(({ message }) => message === "quiet")).not.toHaveProperty("traceId");
  });
});

it.each([
  [
    "an endpoint that is none",
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
    '"collector:4318" is not an http: or https: URL',
  ],
  ["an exporter that nobody knows", { OTEL_TRACES_EXPORTER: "zipkin" }, '"zipkin" is not known here'],
])("with %s the worker serves, and says what is wrong", async (_, variables, problem) => {
  const { get } = startTraced(() => "hello", variables);
  expect((await get("/", SAMPLED)).status).toBe(200);
  expect(log).toContainEqual({ level: "warn", message: expect.stringContaining(problem) });
});

it("credentials of the collector are not among the variables of user code", () => {
  const variables = {
    OTEL_EXPORTER_OTLP_HEADERS: "a=b",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=b",
    OTEL_SERVICE_NAME: "shop",
  };
  expect({ ...selectProjectVariables(variables) }).toEqual({ OTEL_SERVICE_NAME: "shop" });
});
