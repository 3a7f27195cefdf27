// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of handlers
/** `urlForwardHandler` and `urlRewriteHandler`: where requests go, what goes with them, and what a client cannot do. */
import { exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { captureConsole } from "./console.ts";
import { EGRESS_VARIABLES, type Mirrored, startHandler } from "./outbound.ts";
import { HOST } from "./support.ts";

const log = captureConsole();
afterEach(() => void vi.restoreAllMocks());

type Options = Record<string, string | number | boolean>;

const forward = (options: Options, variables?: Record<string, unknown>) =>
  startHandler({ export: "urlForwardHandler", options }, variables);

const rewrite = (rewritePattern: string, path?: string, options: Options = {}) =>
  startHandler({ export: "urlRewriteHandler", options: { rewritePattern, ...options } }, REWRITE_VARIABLES, path);

const REWRITE_VARIABLES = { ...EGRESS_VARIABLES, ORIGIN: "https://origin.example", "SP ACE": "a b" };

const post = (path: string, init: RequestInit) =>
  new Request(`https://${HOST}${path}`, { method: "POST", redirect: "manual", ...init });

describe("urlForwardHandler", () => {
  it.each([
    ["https://origin.example", "/a/b?c=1", "https://origin.example/a/b?c=1"],
    ["https://origin.example/base/", "/a", "https://origin.example/base/a"],
    ["http://origin.example:81/base?key=1", "/a?c=1", "http://origin.example:81/base/a?key=1&c=1"],
    ["${env.ORIGIN}/v${env.VERSION}", "/a%2Fb/%C3%A9", "https://origin.example/v2/a%2Fb/%C3%A9"],
    ["https://$env(NAME).example", "/", "https://origin.example/"],
    ["https://origin.example", "//evil.example/x", "https://origin.example//evil.example/x"],
    ["https://origin.example/base", "/../../x", "https://origin.example/base/x"],
  ])("appends to %s the path %s", async (baseUrl, path, target) => {
    const variables = { ORIGIN: "https://origin.example", VERSION: "2", NAME: "origin" };
    const { url } = await (await forward({ baseUrl }, variables).fetch(path)).json<Mirrored>();
    expect(url).toBe(target);
  });

  it("leaves the query out where it is told to", async () => {
    const worker = forward({ baseUrl: "https://origin.example", forwardSearch: false });
    expect(await (await worker.fetch("/a?b=1")).json()).toMatchObject({ url: "https://origin.example/a" });
  });

  it.each([{}, { mtlsCertificate: "aws_alb_cert" }])("sends method, headers and body on, with %o", async (options) => {
    const headers = {
      "x-mine": "1",
      cookie: "a=b",
      connection: "close, X-Hop",
      "x-hop": "1",
      te: "trailers",
      "proxy-authorization": "Basic x",
      "keep-alive": "timeout=5",
    };
    const worker = forward({ baseUrl: "https://origin.example", ...options });
    const mirrored = await (await worker.fetch(post("/a", { method: "PUT", body: "hello", headers }))).json<Mirrored>();
    expect(mirrored).toMatchObject({ method: "PUT", body: "hello", headers: { "x-mine": "1", cookie: "a=b" } });
    for (const name of ["x-hop", "te", "proxy-authorization", "keep-alive"]) {
      expect(mirrored.headers).not.toHaveProperty(name);
    }
    expect(mirrored.headers.host).not.toBe(HOST);
  });

  it.each([
    [{}, "identity"],
    [{ "accept-encoding": "gzip" }, "gzip"],
  ])("asks the origin for no encoding that the client did not: %o", async (headers, expected) => {
    const worker = forward({ baseUrl: "https://origin.example" });
    const mirrored = await (await worker.fetch(post("/a", { headers }))).json<Mirrored>();
    expect(mirrored.headers["accept-encoding"]).toBe(expected);
  });

  it("streams bodies in both directions", async () => {
    const { readable, writable } = new IdentityTransformStream();
    const response = forward({ baseUrl: "https://origin.example" }).fetch(post("/body", { body: readable }));
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode("first"));
    const reader = (await response).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
    await writer.close();
    expect((await reader?.read())?.done).toBe(true);
  });

  it.each([
    [{}, 302],
    [{ followRedirects: true }, 200],
    [{ mtlsCertificate: "aws_alb_cert" }, 302],
    [{ mtlsCertificate: "aws_alb_cert", followRedirects: true }, 200],
  ])("with %o answers a redirect with %i", async (options, status) => {
    const worker = forward({ baseUrl: "https://origin.example", ...options });
    const response = await worker.fetch("/redirect?to=/next");
    expect([response.status, response.headers.get("location")]).toEqual([status, status === 302 ? "/next" : null]);
  });

  it("opens WebSockets to the origin", async () => {
    const alb = (exports as { default: Fetcher }).default;
    const worker = forward({ baseUrl: "https://api.example.com", mtlsCertificate: "alb" }, { alb });
    const response = await worker.fetch(new Request(`https://${HOST}/socket`, { headers: { upgrade: "websocket" } }));
    expect(response.status).toBe(101);
    const socket = response.webSocket;
    socket?.accept();
    const answer = new Promise((resolve) => socket?.addEventListener("message", (event) => resolve(event.data)));
    socket?.send("hi");
    expect(await answer).toBe("echo hi");
    socket?.close();
  });

  it("answers 522 when no HTTP response comes, also without a certificate", async () => {
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("Network connection lost."));
    const response = await forward({ baseUrl: "https://origin.example" }).fetch("/");
    expect([response.status, await response.json()]).toMatchObject([
      522,
      { code: "origin_unreachable", reason: expect.stringContaining("Network connection lost.") },
    ]);
    expect(log).toMatchObject([{ level: "error", message: "origin failed", data: { code: "origin_unreachable" } }]);
  });

  it("does not follow a redirect to another origin with the certificate", async () => {
    const worker = forward({ baseUrl: "https://origin.example", mtlsCertificate: "a", followRedirects: true });
    const response = await worker.fetch("/redirect?to=https://other.example/");
    expect([response.status, await response.json()]).toMatchObject([
      500,
      { code: "handler_failed", reason: expect.stringContaining("redirect away from https://origin.example") },
    ]);
  });
});

describe("variables of a handler that are not set", () => {
  it.each([
    ["in ${env.…}", { baseUrl: "https://${env.UNSET}/" }, '"${env.UNSET}" is a variable that is not set'],
    ["in $env(…)", { baseUrl: "$env(UNSET)" }, "options.baseUrl"],
    ["in a part of a name", { baseUrl: "https://$env(UNSET)" }, "is not an absolute URL"],
    ["in a number", { baseUrl: "https://a.example", forwardSearch: "$env(WORD)" }, "options.forwardSearch"],
    ["that make plain HTTP of it", { baseUrl: "${env.HTTP}", mtlsCertificate: "a" }, "expected https"],
  ])("fail its requests: %s", async (_, options, reason) => {
    const variables = { ...EGRESS_VARIABLES, WORD: "word", HTTP: "http://origin.example" };
    const response = await forward(options, variables).fetch("/");
    expect([response.status, await response.json()]).toMatchObject([
      500,
      { code: "configuration_invalid", reason: expect.stringContaining(reason) },
    ]);
  });

  it("never turn a call with a certificate into one without", async () => {
    const worker = forward({ baseUrl: "https://origin.example", mtlsCertificate: "$env(UNSET)" });
    const response = await worker.fetch("/");
    expect([response.status, await response.json()]).toMatchObject([500, { code: "mtls_certificate_not_found" }]);
  });
});

describe("urlRewriteHandler", () => {
  it.each([
    ["${env.ORIGIN}/v2/users/${params.id}", "/users/7?a=1", "/v2/users/7?a=1"],
    ['${env.ORIGIN}/${e(env["SP ACE"])}', "/users/7", "/a%20b"],
    [
      '${env.ORIGIN}/${params["id"]}?who=${encodeURIComponent(query.who)}',
      "/users/7?who=a%26b",
      "/7?who=a%26b&who=a%26b",
    ],
    ["${env.ORIGIN}/${method}${pathname}${search}", "/users/7?a=1", "/GET/users/7?a=1&a=1"],
    ["${env.ORIGIN}/?u=${e(url)}&h=${hostname}", "/users/7", `/?u=https%3A%2F%2F${HOST}%2Fusers%2F7&h=${HOST}`],
    ["${env.ORIGIN}/${headers.accept}/${headers[\"x-a\"]}/${request.headers['x-a']}", "/users/7", "/x/1/1"],
    ["${env.ORIGIN}/${request.method}/${context.route.path}", "/users/7", "/GET//users/{id}"],
    ["${env.ORIGIN}/${request.user.sub}-${query.constructor}-${context.custom.toString}", "/users/7", "/--"],
  ])("makes of %s and %s the URL %s", async (pattern, path, target) => {
    const request = new Request(`https://${HOST}${path}`, { headers: { accept: "x", "x-a": "1" } });
    const response = await rewrite(pattern, "/users/{id}").fetch(request);
    const { url } = await response.json<Mirrored>();
    expect(decodeURI(url)).toBe(decodeURI(`https://origin.example${target}`));
  });

  it("writes parameters as they came, so that they cannot become more than they are", async () => {
    const worker = rewrite("${env.ORIGIN}/users/${params.id}", "/users/{id}");
    const { url } = await (await worker.fetch("/users/a%2e%3Fadmin=1%23%40")).json<Mirrored>();
    expect(url).toBe("https://origin.example/users/a.%3Fadmin%3D1%23%40");
  });

  it.each([
    ["climb out of the path", "${env.ORIGIN}/users/${params.id}", "/users/..%2Fadmin"],
    ["climb by way of the query", "${env.ORIGIN}/users/${query.x}", "/users/1?x=../admin"],
    ["climb encoded", "${env.ORIGIN}/users/${query.x}", "/users/1?x=%252e%252E%5Cadmin"],
    ["climb with a tab in between", "${env.ORIGIN}/users/${query.x}", "/users/1?x=.%09."],
    ["choose the host after an @", "${env.ORIGIN}${query.x}", "/users/1?x=@evil.example/"],
    ["choose the host by its ending", "https://${params.id}.origin.example/", "/users/evil.example%2F"],
    ["choose the host with a #", "https://${params.id}.origin.example/", "/users/evil.example%23"],
    ["add a fragment", "${env.ORIGIN}/${query.x}", "/users/1?x=a%23b"],
  ])("refuses a request that would %s", async (_, pattern, path) => {
    const response = await rewrite(pattern, "/users/{id}", { forwardSearch: false }).fetch(path);
    expect([response.status, await response.json()]).toMatchObject([400, { code: "bad_request" }]);
  });

  it("presents a certificate", async () => {
    const worker = rewrite("${env.ORIGIN}/x", "/users/{id}", { mtlsCertificate: "aws_alb_cert" });
    expect(await (await worker.fetch("/users/1")).json()).toMatchObject({ isEgress: true });
  });
});

describe("redirectHandler", () => {
  it.each([
    [{ location: "https://docs.example/a?b" }, 302],
    [{ location: "/elsewhere", status: 308 }, 308],
  ])("answers %o", async (options, status) => {
    const response = await startHandler({ export: "redirectHandler", options }).fetch("/");
    expect([response.status, response.headers.get("location")]).toEqual([status, options.location]);
  });
});

describe("options that are wrong whatever the variables are", () => {
  it.each([
    ["urlForwardHandler", {}, "options.baseUrl"],
    ["urlForwardHandler", { baseUrl: "https://a.example", extra: 1 }, "options"],
    ["urlForwardHandler", { baseUrl: "/relative" }, "is not an absolute URL"],
    ["urlForwardHandler", { baseUrl: "ftp://a.example" }, "is not an absolute URL"],
    ["urlForwardHandler", { baseUrl: "https://u:p@a.example" }, "user name or password"],
    ["urlForwardHandler", { baseUrl: "https://a.example/#x" }, "fragment"],
    ["urlForwardHandler", { baseUrl: "https://a.example", mtlsCertificate: "" }, "options.mtlsCertificate"],
    ["urlRewriteHandler", { rewritePattern: "${process.env.X}" }, 'begins with "process"'],
    ["urlRewriteHandler", { rewritePattern: "${env.X + 1}" }, "is not a property path"],
    ["urlRewriteHandler", { rewritePattern: "${fetch('x')}" }, "is not a property path"],
    ["urlRewriteHandler", { rewritePattern: "${request.constructor}" }, 'does not name a member of "request"'],
    ["urlRewriteHandler", { rewritePattern: "${context}" }, 'does not name a member of "context"'],
    ["urlRewriteHandler", { rewritePattern: "${params}" }, 'does not name one member of "params"'],
    ["urlRewriteHandler", { rewritePattern: "${url.length}" }, "which is text"],
    ["urlRewriteHandler", { rewritePattern: "https://a.example/${env.X" }, "does not end"],
    ["redirectHandler", { location: "javascript:alert(1)" }, "is not a location"],
    ["redirectHandler", { location: "/a\r\nb" }, "is not a location"],
    ["redirectHandler", { location: "/", status: 200 }, "is not a redirect status"],
    ["constructor", {}, "is not a handler"],
    ["MTLSAuthInboundPolicy", {}, "is not a handler"],
  ])("stop the project: %s %o", async (name, options, reason) => {
    const response = await startHandler({ export: name, options: options as Options }).fetch("/");
    expect(await response.json()).toMatchObject({
      code: "configuration_invalid",
      detail: "The gateway's configuration is invalid",
      reason: expect.stringContaining(reason),
    });
  });
});
