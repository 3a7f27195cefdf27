/** The order of things, what each step may return, and what happens when user code fails. */
import { describe, expect, it } from "vitest";
import { HttpProblems, type InboundPolicyHandler, type OutboundPolicyHandler } from "../../src/runtime/index.ts";
import { captureConsole } from "./console.ts";
import { echo, HOST, route, startRoutes } from "./support.ts";
import { start, type UserCode } from "./user-code.ts";

const log = captureConsole();

describe("the steps of a request", () => {
  it("come in order", async () => {
    const steps: string[] = [];
    const step = <T>(name: string, value: T): T => {
      steps.push(name);
      return value;
    };
    const worker = start({
      runtimeInit(runtime) {
        runtime.addPreRoutingHook((request) => step("pre-routing", request));
        runtime.addRequestHook((request) => step("request hook", request));
        runtime.addResponseSendingHook((response) => step("runtime response hook", response));
      },
      inbound: (request, context) => {
        context.addResponseSendingHook((response) => step("response hook", response));
        context.addResponseSendingFinalHook((response) => {
          step(`final hook ${response.headers.has("zp-rid")}`, undefined);
        });
        return step("inbound", request);
      },
      handler: () => step("handler", "done"),
      outbound: (response) => step("outbound", response),
    });
    const response = await worker.fetch("/x");
    expect(await response.json()).toBe("done");
    expect(steps).toEqual([
      "pre-routing",
      "request hook",
      "inbound",
      "handler",
      "outbound",
      "response hook",
      "runtime response hook",
      "final hook true",
    ]);
  });

  it("end at an inbound policy that answers: no handler, no outbound policy", async () => {
    const worker = start({
      inbound: (request, context) => HttpProblems.forbidden(request, context, { detail: "no" }, { "x-a": "1" }),
      handler: () => expect.unreachable(),
      outbound: () => expect.unreachable(),
    });
    const response = await worker.fetch("/x");
    expect(response.status).toBe(403);
    expect(response.headers.get("x-a")).toBe("1");
    expect(await response.json()).toMatchObject({
      type: "https://httpproblems.com/http-status/403",
      title: "Forbidden",
      detail: "no",
      instance: "/x",
      trace: { buildId: "build-1", requestId: response.headers.get("zp-rid") },
    });
  });

  it("end at a request hook that answers", async () => {
    const worker = start({
      runtimeInit: (runtime) => runtime.addRequestHook(() => new Response("hook")),
      inbound: () => expect.unreachable(),
    });
    expect(await (await worker.fetch("/x")).text()).toBe("hook");
  });

  it("include outbound policies on every status, also when the handler threw", async () => {
    const outbound: OutboundPolicyHandler = (response) => new Response(`seen ${response.status}`, response);
    expect(await (await start({ handler: () => new Response("", { status: 404 }), outbound }).fetch("/x")).text()).toBe(
      "seen 404",
    );
    const failing = start({
      handler: () => {
        throw new Error("x");
      },
      outbound,
    });
    expect(await (await failing.fetch("/x")).text()).toBe("seen 500");
  });

  it("give policies their options with variables, and their name", async () => {
    const worker = start({
      inbound: (_request, _context, options, name) => Response.json({ options, name }),
      variables: { NAME: "value" },
    });
    expect(await (await worker.fetch("/x")).json()).toEqual({ options: { a: 1, b: "value-" }, name: "inbound" });
  });

  it("keep parameters and user when user code returns a plain request", async () => {
    const worker = start({
      inbound: (request) => {
        request.user = { sub: "me", data: {} };
        return new Request(request, { headers: { "x-new": "1" } });
      },
    });
    const body = await (await worker.fetch("/x?q=1&q=2&__proto__=3")).json<Record<string, unknown>>();
    expect(body).toMatchObject({ params: { id: "x" }, user: { sub: "me" }, headers: { "x-new": "1" } });
    expect(Object.entries(body.query as object)).toEqual([
      ["q", "2"],
      ["__proto__", "3"],
    ]);
  });

  it("let a pre-routing hook choose another path", async () => {
    const worker = start({
      runtimeInit: (runtime) =>
        runtime.addPreRoutingHook((request) => new Request(new URL("/other", request.url), request)),
    });
    expect(await (await worker.fetch("/x/y/z")).json()).toMatchObject({ params: { id: "other" } });
  });
});

describe("user code that fails", () => {
  const boom = (): never => {
    throw new Error("the secret is 42");
  };
  const cases: [string, UserCode][] = [
    ["a handler", { handler: boom }],
    ["an inbound policy", { inbound: boom }],
    ["an outbound policy", { outbound: boom }],
    ["a pre-routing hook", { runtimeInit: (runtime) => runtime.addPreRoutingHook(boom) }],
    ["a request hook", { runtimeInit: (runtime) => runtime.addRequestHook(boom) }],
    ["a response hook", { runtimeInit: (runtime) => runtime.addResponseSendingHook(boom) }],
    [
      "the problem format",
      {
        handler: boom,
        runtimeInit: (runtime) => {
          runtime.problemResponseFormat = boom;
        },
      },
    ],
  ];

  it.each(cases)("is a 500 that says nothing, and a stack in the log: %s", async (_, parts) => {
    const response = await start({ ...parts, variables: {} }).fetch("/x");
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("zp-rid")).not.toBeNull();
    expect(JSON.parse(text)).toMatchObject({ code: "handler_failed" });
    expect(text).not.toContain("secret");
    expect(log[0]).toMatchObject({ level: "error", data: { message: "the secret is 42", stack: expect.any(String) } });
  });

  it("explains itself in development", async () => {
    const body = await (await start({ handler: boom }).fetch("/x")).json<{ reason: string }>();
    expect(body.reason).toContain("the secret is 42");
  });

  it("includes an inbound policy that forgets to return the request", async () => {
    const inbound = (() => undefined) as unknown as InboundPolicyHandler;
    const response = await start({ inbound, handler: () => expect.unreachable() }).fetch("/x");
    expect(response.status).toBe(500);
    expect((await response.json<{ reason: string }>()).reason).toContain('inbound policy "inbound" returned undefined');
  });

  it("includes a thrown value that is no error", async () => {
    const handler = () => Promise.reject(null);
    expect((await start({ handler }).fetch("/x")).status).toBe(500);
  });

  it("does not change the answer when it is a final hook", async () => {
    const worker = start({
      handler: (_request, context) => {
        context.addResponseSendingFinalHook(boom);
        return "fine";
      },
    });
    expect((await worker.fetch("/x")).status).toBe(200);
    expect(log).toMatchObject([{ level: "error", message: "a final response hook failed" }]);
  });
});

describe("answers", () => {
  it("are JSON unless the handler returns a response", async () => {
    const answer = async (value: unknown) => (await startRoutes(() => value, route("/")).fetch("/")).text();
    expect(await answer({ a: [1] })).toBe('{"a":[1]}');
    expect(await answer(undefined)).toBe("null");
    expect((await startRoutes(() => 1n, route("/")).fetch("/")).status).toBe(500);
  });

  it("stream: the first chunk is there before the last is made", async () => {
    let finish = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("first"));
        finish = () => controller.close();
      },
    });
    const response = await startRoutes(() => new Response(body), route("/")).fetch("/");
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
    finish();
    expect((await reader?.read())?.done).toBe(true);
  });

  it("hand on request bodies as streams", async () => {
    const worker = startRoutes(async (request) => new Response(request.body), route("/", { method: "POST" }));
    const response = await worker.fetch(new Request(`https://${HOST}/`, { method: "POST", body: "hello" }));
    expect(await response.text()).toBe("hello");
  });

  it("may be WebSockets", async () => {
    const handler = () => {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      server.addEventListener("message", (event) => server.send(`echo ${event.data}`));
      return new Response(null, { status: 101, webSocket: client });
    };
    const response = await startRoutes(handler, route("/")).fetch("/");
    expect([response.status, response.headers.has("zp-rid")]).toEqual([101, true]);
    const socket = response.webSocket;
    socket?.accept();
    const answer = new Promise((resolve) => socket?.addEventListener("message", (event) => resolve(event.data)));
    socket?.send("hi");
    expect(await answer).toBe("echo hi");
    socket?.close();
  });

  it("may have headers that cannot be changed, as fetch makes them", async () => {
    const response = await startRoutes(() => Response.redirect("https://elsewhere.example/", 302), route("/")).fetch(
      "/",
    );
    expect([response.status, response.headers.has("zp-rid")]).toEqual([302, true]);
  });

  it("to HEAD have GET's headers and no body", async () => {
    const worker = startRoutes((request) => new Response("body", { headers: { "x-m": request.method } }), route("/"));
    const response = await worker.fetch(new Request(`https://${HOST}/`, { method: "HEAD" }));
    expect([response.status, response.headers.get("x-m"), await response.text()]).toEqual([200, "HEAD", ""]);
  });

  it("to a GET with a body are those to a GET without", async () => {
    const incoming = new Request(`https://${HOST}/`, {
      method: "POST",
      body: "hello",
      headers: { "content-length": "5" },
    });
    Object.defineProperty(incoming, "method", { value: "GET" });
    const body = await (await startRoutes(echo, route("/")).fetch(incoming)).json<{ headers: object }>();
    expect(body.headers).not.toHaveProperty("content-length");
  });

  it("to a URL that is none are 400", async () => {
    const incoming = new Request(`https://${HOST}/`);
    Object.defineProperty(incoming, "url", { value: "http://x:99999/" });
    const response = await startRoutes(echo, route("/")).fetch(incoming);
    expect([response.status, response.headers.has("zp-rid")]).toEqual([400, true]);
    expect(await response.json()).toMatchObject({ code: "bad_request" });
  });

  it("say that there is no route, or no such method", async () => {
    const worker = startRoutes(() => "x", route("/a"));
    const missing = await worker.fetch("/b");
    expect([missing.status, await missing.json()]).toMatchObject([404, { code: "not_found", instance: "/b" }]);
    const post = await worker.fetch(new Request(`https://${HOST}/a`, { method: "POST" }));
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await post.json()).toMatchObject({ code: "method_not_allowed" });
  });

  it("may be shaped by the project: problems and missing routes", async () => {
    const worker = start({
      runtimeInit(runtime) {
        runtime.problemResponseFormat = ({ problem }) => new Response(`mine: ${problem.title}`, { status: 418 });
        runtime.notFoundHandler = (request, context) => HttpProblems.gone(request, context);
      },
    });
    const response = await worker.fetch("/x/y");
    expect([response.status, await response.text(), response.headers.has("zp-rid")]).toEqual([418, "mine: Gone", true]);
  });
});
