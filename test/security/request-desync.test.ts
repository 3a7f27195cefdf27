/**
 * Where one request ends and the next begins, when one of them is answered early, never read, or ends the connection
 * (RFC 9112, sections 9.3.2 and 9.6; RFC 9110, section 10.1.1). Whoever comes next on the edge's own connections to the
 * worker gets the answer to its own request.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, connectTls, readToEnd } from "../edge/harness/client.ts";
import { HOST, startTestEdge } from "../edge/harness/edge.ts";
import { until } from "../edge/harness/until.ts";
import { readAnswers, sendBytes, writeMessage } from "./harness/raw-http.ts";
import { type Stack, startStack } from "./harness/stack.ts";

let stack: Stack;
let mark: string;
beforeAll(async () => {
  stack = await startStack();
});
beforeEach(() => {
  mark = randomUUID();
});
afterAll(() => stack[Symbol.asyncDispose]());

const message = (line: string, lines: string[] = [], body = "") =>
  writeMessage([`${line} HTTP/1.1`, `host: ${HOST}`, ...lines], body);
const get = (name: string, lines: string[] = []) => message(`GET /v1/inspect?${mark}-${name}`, lines);
const last = (name: string) => get(name, ["connection: close"]);
const seenNames = async () => (await stack.recorded(mark)).map(({ url }) => url.slice(url.indexOf(mark) + 37));

/** Others, whose requests take the same connections to the worker, are answered with what they asked for. */
async function expectOthersUnharmed(): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const { url } = JSON.parse((await ask(stack, { path: `/v1/inspect?other-${index}` })).body);
      return new URL(url).search;
    }),
  );
  expect(answers).toEqual(Array.from({ length: 8 }, (_, index) => `?other-${index}`));
}

describe("has a request in the body of one that is answered early", () => {
  it.each([
    ["405, the method is not allowed", "POST /v1/example", 405],
    ["404, there is no route", "PUT /v1/nowhere", 404],
    ["401, the policy refuses", "GET /v1/example", 401],
  ])("%s", async (_, line, status) => {
    const body = get("smuggled").repeat(200);
    const lines = [`content-length: ${body.length}`];
    const early = message(`${line}?${mark}-early`, lines, body);
    expect((await sendBytes(stack, early + last("second"))).statuses).toEqual([status, 200]);
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const again = message(`${line}?${mark}-early`, ["transfer-encoding: chunked"], chunked);
    expect((await sendBytes(stack, again + last("second"))).statuses).toEqual([status, 200]);
    expect(await seenNames()).toEqual(["early", "second", "early", "second"]);
    await expectOthersUnharmed();
  });

  it("and announces more than it sends: the worker's connection is not used again", async () => {
    const socket = await connectTls(stack);
    socket.write(message(`POST /v1/example?${mark}-early`, ["content-length: 100000"], get("smuggled")));
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 405/);
    await expectOthersUnharmed();
    socket.destroy();
    expect(await seenNames()).toEqual(["early"]);
  });

  it("and is refused by the edge, for another Host", async () => {
    const body = get("smuggled");
    const lines = [`content-length: ${body.length}`];
    const misdirected = message(`POST /v1/inspect?${mark}-early`, lines, body).replace(HOST, "b.test");
    expect((await sendBytes(stack, misdirected + last("second"))).statuses).toEqual([421]);
    expect(await seenNames()).toEqual([]);
  });

  it("and is a GET, HEAD or OPTIONS, which have none as a rule", async () => {
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      const body = get("smuggled");
      const request = message(`${method} /v1/inspect?${mark}-${method}`, [`content-length: ${body.length}`], body);
      expect((await sendBytes(stack, request + last("second"))).statuses).toEqual([200, 200]);
    }
    expect(await seenNames()).toEqual(["GET", "second", "HEAD", "second", "OPTIONS", "second"]);
    await expectOthersUnharmed();
  });

  it.each(["100-continue", "200-ok"])("and waits for leave to send it (Expect: %s)", async (expectation) => {
    const body = get("smuggled");
    const lines = [`content-length: ${body.length}`, `expect: ${expectation}`];
    const { statuses } = await sendBytes(
      stack,
      message(`POST /v1/inspect?${mark}-first`, lines, body) + last("second"),
    );
    expect(statuses).toEqual(expectation === "100-continue" ? [100, 200, 200] : [417, 200]);
    expect(await seenNames()).toEqual(expectation === "100-continue" ? ["first", "second"] : ["second"]);
  });
});

describe("sends more behind a request that ends the connection (RFC 9112, section 9.6): it is not processed", () => {
  it.each<[string, number, () => string]>([
    ["since the client says so", 200, () => last("first")],
    ["since its Host is another", 421, () => get("first").replace(HOST, "b.test")],
    ["since it has two Host headers", 400, () => get("first", [`host: ${HOST}`])],
    ["since it is too large", 413, () => get("first", [`content-length: ${2 ** 40}`])],
  ])("%s", async (_, status, makeFirst) => {
    expect((await sendBytes(stack, makeFirst() + get("second") + last("third"))).statuses).toEqual([status]);
    expect(await seenNames()).toEqual(status === 200 ? ["first"] : []);
    expect((await sendBytes(stack, get("one") + get("two") + last("three"))).statuses, "the control").toEqual([
      200, 200, 200,
    ]);
  });

  it("since a CA certificate was removed in between: not even verified once more", async () => {
    const socket = await connectTls(stack, { identity: stack.client });
    socket.write(get("before"));
    await once(socket, "data");
    stack.trust.replace({ ...stack.accounts, acme: { domains: [HOST] } });
    socket.write(get("first") + get("second"));
    expect(readAnswers(await readToEnd(socket)).statuses).toEqual([200]);
    stack.trust.replace(stack.accounts);
    expect(await seenNames()).toEqual(["before", "first"]);
  });
});

describe("sends bytes that are no request behind one that is being served", () => {
  it("the request gets its own answer, and that is the last", async () => {
    const { statuses, text } = await sendBytes(stack, `${get("first")}nonsense\r\n\r\n`);
    expect(statuses).toEqual([200]);
    expect(text).toMatch(/^connection: close\r$/im);
    expect(await seenNames()).toEqual(["first"]);
  });
});

describe("asks for another protocol (RFC 9110, section 7.8)", () => {
  const webSocket = ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
  const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";

  it.each([
    ["h2c, with a request behind it", ["connection: upgrade", "upgrade: h2c"], ""],
    ["h2c, with a body that has one", ["connection: upgrade", "upgrade: h2c", "content-length: 4"], "body"],
  ])("%s: one answer, and the end", async (_, lines, body) => {
    const method = body === "" ? "GET" : "POST";
    const first = message(`${method} /v1/inspect?${mark}-first`, lines, body);
    const { statuses, text } = await sendBytes(stack, first + last("second"));
    expect(statuses).toEqual([200]);
    expect(text).toContain(`"body":"${body}"`);
    expect(await seenNames()).toEqual(["first"]);
  });

  it("WebSocket, with a body that has a request", async () => {
    const body = get("smuggled");
    const lines = [...webSocket, key, `content-length: ${body.length}`];
    expect((await sendBytes(stack, get("first", lines) + body)).statuses).toEqual([400]);
    expect(await seenNames()).toEqual([]);
  });

  it("WebSocket of a worker that has none, with a request behind it", async () => {
    expect((await sendBytes(stack, get("first", [...webSocket, key]) + last("second"))).statuses).toEqual([200]);
    expect(await seenNames()).toEqual(["first"]);
  });

  it("WebSocket behind a request that is not answered yet: cut, and the edge lives", async () => {
    const { statuses } = await sendBytes(stack, get("first") + get("upgrade", [...webSocket, key]));
    expect(statuses).toEqual([]);
    expect(await seenNames()).not.toContain("upgrade");
    await expectOthersUnharmed();
  });
});

describe("sends requests without waiting for answers (RFC 9112, section 9.3.2)", () => {
  it("the worker gets one after the other", async () => {
    await using edge = await startTestEdge();
    const answers: (() => void)[] = [];
    edge.upstream.onRequest = (request, response) => answers.push(() => response.end(request.url));
    const socket = await connectTls(edge);
    socket.write(
      message("POST /1", ["content-length: 0"]) + message("GET /2") + message("GET /3", ["connection: close"]),
    );
    const text = readToEnd(socket);
    for (let count = 1; count <= 3; count++) {
      await until(() => answers.length === count);
      await new Promise(setImmediate);
      expect(edge.upstream.requests).toHaveLength(count);
      answers.at(-1)?.();
    }
    expect(Array.from((await text).matchAll(/\r\n\r\n(\/\d)/g), ([, path]) => path)).toEqual(["/1", "/2", "/3"]);
  });

  it("more than a hundred that wait are too many", async () => {
    expect((await sendBytes(stack, get("first").repeat(150))).statuses).toEqual([]);
    expect((await seenNames()).length).toBeLessThanOrEqual(1);
    const { statuses } = await sendBytes(stack, get("fine").repeat(90) + last("fine"));
    expect(statuses, "the control").toHaveLength(91);
  });
});
