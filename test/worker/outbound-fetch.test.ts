/** `fetch` with the name of a certificate, and what it never does: call without it, or show it to somebody else. */
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { EGRESS_FAILURE_CODES, EGRESS_FAILURE_STATUS_MIN } from "../../src/contract/egress.ts";
import { PROBLEMS } from "../../src/contract/problem.ts";
import { createCertificateTransport } from "../../src/runtime/certificate-transport.ts";
import { plainFetch, setCertificateTransport } from "../../src/runtime/fetch.ts";
import { OriginError, ZuploRequest } from "../../src/runtime/index.ts";
import { captureConsole } from "./console.ts";
import { EGRESS_VARIABLES, type Mirrored, startHandler } from "./outbound.ts";

const log = captureConsole();

const sallyport = { mtlsCertificate: "aws_alb_cert" };

/** Sends through the egress as user code does, and gives what the origin saw. */
async function send(url: string, init: RequestInit = {}): Promise<Mirrored> {
  startHandler(() => "");
  return (await fetch(url, { sallyport, ...init })).json();
}

describe("fetch without a certificate", () => {
  it.each([
    ["no options", undefined],
    ["options without ours", { method: "POST" }],
    ["ours, that name no certificate", { zuplo: {}, sallyport: {} }],
  ])("is the runtime's own with %s", async (_, init) => {
    startHandler(() => "");
    const { isEgress, url } = await (await fetch("http://origin.example/a", init)).json<Mirrored>();
    expect([isEgress, url]).toEqual([false, "http://origin.example/a"]);
  });
});

describe("fetch with a certificate", () => {
  it("tells the egress target, certificate and project, and keeps the caller's method, headers and body", async () => {
    const init = { method: "PUT", body: "hello", headers: { "x-mine": "1", authorization: "Bearer x" } };
    const { method, url, headers, body } = await send("https://origin.example:8443/a?b=1#c", init);
    expect([method, url, body]).toEqual(["PUT", "https://origin.example:8443/a?b=1", "hello"]);
    expect(headers).toMatchObject({ "x-mine": "1", authorization: "Bearer x" });
  });

  it("takes a Request, and zuplo for sallyport", async () => {
    startHandler(() => "");
    const request = new Request("https://origin.example/a", { method: "POST", body: "hello" });
    const response = await fetch(request, { zuplo: sallyport });
    expect(await response.json()).toMatchObject({ isEgress: true, method: "POST", body: "hello" });
    expect([response.url, response.redirected]).toEqual(["https://origin.example/a", false]);
  });

  it("does not let the caller's headers speak to the egress", async () => {
    const { headers, call } = await send("https://origin.example/", {
      headers: { "sallyport-egress-call": "a b/c other - https://else.example/", "Sallyport-X": "1" },
    });
    expect(call).toMatchObject({
      project: "local/example",
      certificate: "aws_alb_cert",
      target: "https://origin.example/",
    });
    expect(headers).not.toHaveProperty("sallyport-x");
  });

  it("streams the body in both directions", async () => {
    startHandler(() => "");
    const { readable, writable } = new IdentityTransformStream();
    const response = fetch("https://origin.example/body", { method: "POST", body: readable, sallyport });
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode("first"));
    const reader = (await response).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
    await writer.close();
    expect((await reader?.read())?.done).toBe(true);
  });

  it("reaches the egress by its binding, where there is one", async () => {
    const { SALLYPORT_EGRESS_URL: _, ...variables } = EGRESS_VARIABLES;
    const asked: string[] = [];
    const SALLYPORT_EGRESS = {
      fetch: (url: string, { headers }: { headers: HeadersInit }) => {
        asked.push(url, new Headers(headers).get("sallyport-egress-call") ?? "");
        return Promise.resolve(new Response("by the binding"));
      },
    };
    startHandler(() => "", { ...variables, SALLYPORT_EGRESS });
    const response = await fetch("https://origin.example/a", { sallyport });
    expect(await response.text()).toBe("by the binding");
    const { SALLYPORT_EGRESS_TOKEN: token, SALLYPORT_EGRESS_PROJECT: project } = variables;
    expect(asked).toEqual(["http://egress", `${token} ${project} aws_alb_cert - https://origin.example/a`]);
  });

  it("prefers a binding of that name", async () => {
    const aws_alb_cert = {
      fetch: (request: Request) => Response.json({ binding: request.url, redirect: request.redirect }),
    };
    startHandler(() => "", { ...EGRESS_VARIABLES, aws_alb_cert });
    const response = await fetch("https://origin.example/a", { sallyport });
    expect(await response.json()).toEqual({ binding: "https://origin.example/a", redirect: "manual" });
  });

  it("opens a WebSocket through a binding", async () => {
    startHandler(() => "", { aws_alb_cert: (exports as { default: Fetcher }).default });
    const response = await fetch("https://api.example.com/socket", { headers: { upgrade: "websocket" }, sallyport });
    const socket = response.webSocket;
    socket?.accept();
    const answer = new Promise((resolve) => socket?.addEventListener("message", (event) => resolve(event.data)));
    socket?.send("hi");
    expect(await answer).toBe("echo hi");
    socket?.close();
  });
});

describe("a request", () => {
  it("does not take a certificate that it could not keep", () => {
    expect(() => new ZuploRequest("https://origin.example/", { zuplo: sallyport })).toThrow("is an option of fetch");
  });
});

describe("fetch with a certificate refuses", () => {
  const refusal = (url: string, init: object) => expect(send(url, init)).rejects;

  it.each([
    ["plain HTTP", "http://origin.example/", {}, "expected https:"],
    ["credentials in the URL", "https://u:p@origin.example/", {}, "user name or password"],
    ["a GET with a body", "https://origin.example/", { body: "x" }, "GET"],
    ["a redirect mode that is not there", "https://origin.example/", { redirect: "error" }, 'allowed: "follow"'],
    ["a URL that is none", "origin.example", {}, "Invalid URL"],
    ["a header that cannot be", "https://origin.example/", { headers: { "a b": "c" } }, "header"],
    ["options that are no object", "https://origin.example/", { sallyport: "aws_alb_cert" }, "expected an object"],
    ["two names", "https://origin.example/", { zuplo: { mtlsCertificate: "b" } }, "allowed: one of them"],
  ])("%s", async (_, url, init, message) => {
    await refusal(url, init).toThrow(TypeError);
    await refusal(url, init).toThrow(message);
  });

  it.each([undefined, null, "", 5, "no spaces"])(
    "the name %s, which is never a call without a certificate",
    async (name) => {
      await refusal("https://origin.example/", { sallyport: { mtlsCertificate: name } }).toMatchObject({
        code: "mtls_certificate_not_found",
      });
    },
  );

  it.each(["constructor", "GREETING", "aws_alb_cert"])(
    "the name %s where there is no such binding and no egress",
    async (name) => {
      startHandler(() => "", { GREETING: "text" });
      const call = fetch("https://origin.example/", { sallyport: { mtlsCertificate: name } });
      await expect(call).rejects.toMatchObject({
        code: "mtls_certificate_not_found",
        hint: expect.stringContaining(`sallyport mtls-certificate create --name ${name}`),
      });
    },
  );

  it("says so when the egress does not answer", async () => {
    const egress = { url: EGRESS_VARIABLES.SALLYPORT_EGRESS_URL, token: "t", project: "a/b" };
    const lost = () => Promise.reject(new Error("Network connection lost."));
    setCertificateTransport(createCertificateTransport({}, egress, lost));
    const error = await fetch("https://origin.example/", { sallyport }).catch((thrown: unknown) => thrown);
    setCertificateTransport(createCertificateTransport({}, undefined, plainFetch));
    expect(error).toBeInstanceOf(OriginError);
    expect(error).toMatchObject({
      code: "origin_unreachable",
      reason: expect.stringContaining("Network connection lost."),
    });
  });

  it("ends when the caller gives up", async () => {
    await refusal("https://origin.example/", { signal: AbortSignal.abort(new Error("enough")) }).toThrow("enough");
  });
});

describe("redirects of a request with a certificate", () => {
  const redirect = (to: string, status = 302) =>
    `https://origin.example/redirect?status=${status}&to=${encodeURIComponent(to)}`;

  it("are followed within the origin, with the certificate", async () => {
    const { url, isEgress, call } = await send(redirect("/next?a=1"));
    expect([url, isEgress, call?.certificate]).toEqual(["https://origin.example/next?a=1", true, "aws_alb_cert"]);
  });

  it("are visible in the response", async () => {
    startHandler(() => "");
    const { url, redirected } = await fetch(redirect("/next"), { sallyport });
    expect([url, redirected]).toEqual(["https://origin.example/next", true]);
  });

  it.each([
    "https://other.example/",
    "http://origin.example/",
    "https://origin.example:444/",
    "//other.example/",
    "https://",
  ])("are an error when they lead to %s", async (to) => {
    await expect(send(redirect(to))).rejects.toThrow(TypeError);
    await expect(send(redirect(to))).rejects.toThrow("redirect away from https://origin.example");
  });

  it("are handed on when the caller says so", async () => {
    startHandler(() => "");
    const response = await fetch(redirect("https://other.example/"), { sallyport, redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "https://other.example/"]);
  });

  it("end after 20", async () => {
    const loop = { fetch: () => new Response(null, { status: 302, headers: { location: "/again" } }) };
    startHandler(() => "", { loop });
    const call = fetch("https://origin.example/", { sallyport: { mtlsCertificate: "loop" } });
    await expect(call).rejects.toThrow("allowed: 20 redirects");
  });

  it.each([
    [303, "PUT", "GET", ""],
    [302, "POST", "GET", ""],
    [302, "PUT", "PUT", "hello"],
    [307, "POST", "POST", "hello"],
    [308, "PUT", "PUT", "hello"],
  ])("with %i turn %s into %s", async (status, method, next, body) => {
    const sent = await send(redirect("/next", status), { method, body: "hello" });
    expect([sent.method, sent.body, "content-type" in sent.headers]).toEqual([next, body, body !== ""]);
  });

  it("do not send a stream twice", async () => {
    const body = new Blob(["hello"]).stream();
    await expect(send(redirect("/next", 307), { method: "POST", body })).rejects.toThrow("was a stream");
  });
});

describe("a failure of the egress", () => {
  const fail = (code: string) => () => fetch("https://origin.example/", { sallyport: { mtlsCertificate: code } });

  it.each(EGRESS_FAILURE_CODES)("is answered as %s when user code does not catch it", async (code) => {
    const response = await startHandler(fail(code)).fetch("/");
    expect(response.status).toBe(PROBLEMS[code].status);
    expect(await response.json()).toMatchObject({ code, reason: "a reason", hint: "a hint", instance: "/" });
    expect(log).toMatchObject([
      { level: "error", message: "origin failed", data: { code, reason: "a reason", hint: "a hint" } },
    ]);
  });

  it.each([EGRESS_FAILURE_STATUS_MIN, 403, 599])("is one with the status %i", async (status) => {
    const answer = Response.json({}, { status, headers: { "sallyport-egress-failure": "mtls_certificate_disabled" } });
    startHandler(() => "", { ...EGRESS_VARIABLES, SALLYPORT_EGRESS: { fetch: () => Promise.resolve(answer) } });
    const call = fetch("https://origin.example/", { sallyport });
    await expect(call).rejects.toMatchObject({ code: "mtls_certificate_disabled" });
  });

  it("does not explain itself outside development", async () => {
    const variables = { ...EGRESS_VARIABLES, SALLYPORT_ENVIRONMENT: "production" };
    const body = await (await startHandler(fail("origin_timeout"), variables).fetch("/")).text();
    expect(body).toContain("origin_timeout");
    expect(body).not.toContain("a reason");
  });

  it("of a kind that is not known is a failure all the same", async () => {
    const response = await startHandler(fail("origin_of_the_future")).fetch("/");
    expect([response.status, await response.json()]).toMatchObject([522, { code: "origin_unreachable" }]);
  });

  it("can be caught", async () => {
    const handler = () =>
      fail("origin_timeout")().catch((error: unknown) => (error instanceof OriginError ? error.code : "unknown"));
    expect(await (await startHandler(handler).fetch("/")).json()).toBe("origin_timeout");
  });
});

describe("the egress's variables", () => {
  const UNSET = {
    SALLYPORT_EGRESS_URL: undefined,
    SALLYPORT_EGRESS_TOKEN: undefined,
    SALLYPORT_EGRESS_PROJECT: undefined,
  };

  it.each([
    ["some of them", { SALLYPORT_EGRESS_TOKEN: undefined }, "expected: all or none"],
    ["an http URL of another machine", { SALLYPORT_EGRESS_URL: "http://10.0.0.1:80" }, "is not the URL of an egress"],
    ["no URL", { SALLYPORT_EGRESS_URL: "socket" }, "is not the URL of an egress"],
    ["a short token", { SALLYPORT_EGRESS_TOKEN: "short" }, "is not a token"],
    ["a binding without them", { ...UNSET, SALLYPORT_EGRESS: { fetch() {} } }, "expected: all or none"],
    ["a project without its account", { SALLYPORT_EGRESS_PROJECT: "example" }, "is not a project"],
  ])("cannot be %s", async (_, changes, problem) => {
    const response = await startHandler(() => "", { ...EGRESS_VARIABLES, ...changes }).fetch("/");
    expect(await response.json()).toMatchObject({
      code: "configuration_invalid",
      reason: expect.stringContaining(problem),
    });
  });
});
