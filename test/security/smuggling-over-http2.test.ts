/**
 * Request smuggling by downgrade: HTTP/2 says where a request ends, and the edge writes it anew as HTTP/1.1 for the worker.
 * An attacker puts HTTP/1.1's own framing, or a line break, into an HTTP/2 field (RFC 9113, sections 8.2.1 and 10.3),
 * frame by frame, since no client library sends it.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HOST } from "../edge/harness/edge.ts";
import { connectFrames, type Field, PROTOCOL_ERROR, requestFields, without } from "./harness/http2-frames.ts";
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

const target = () => `/v1/inspect?${mark}`;
const post = (...more: Field[]): Field[] => [...requestFields(HOST, target(), "POST"), ...more];
const get = (...more: Field[]): Field[] => [...requestFields(HOST, target()), ...more];
const smuggled = () => `GET /smuggled-${mark} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`;

/** Request and body, and the same on a connection of its own without what is odd: the worker sees that one alone. */
async function attempt(fields: readonly Field[], body?: string) {
  using client = await connectFrames(stack);
  const outcome = await client.request(fields, body);
  const seen = await stack.recorded(mark);
  mark = randomUUID();
  using honest = await connectFrames(stack);
  const control = await honest.request(post(["content-length", "4"]), "body");
  expect(JSON.parse(control.body)).toMatchObject({ method: "POST", body: "body" });
  expect(await stack.recorded(mark)).toHaveLength(1);
  return { ...outcome, seen };
}

describe("is reset, and nothing reaches the worker, for", () => {
  it.each<[string, () => Field[], (() => string)?]>([
    ["Transfer-Encoding: H2.TE (RFC 9113, section 8.2.2)", () => post(["transfer-encoding", "chunked"]), smuggled],
    ["a Content-Length that is too large: H2.CL", () => post(["content-length", "60"]), () => "body"],
    ["two Content-Length", () => post(["content-length", "4"], ["content-length", "4"]), () => "body"],
    ["a Content-Length that is no number", () => post(["content-length", "4,4"]), () => "body"],
    ["Connection", () => get(["connection", "close"])],
    ["Keep-Alive", () => get(["keep-alive", "timeout=5"])],
    ["Proxy-Connection", () => get(["proxy-connection", "close"])],
    ["Upgrade", () => get(["upgrade", "websocket"])],
    ["TE other than trailers", () => get(["te", "gzip"])],
    ["a name in upper case", () => get(["Transfer-Encoding", "chunked"])],
    ["a pseudo-header field behind a field", () => [["x-first", "1"], ...get()]],
    ["a line break in :path", () => requestFields(HOST, `${target()} HTTP/1.1\r\nx: y\r\n\r\n${smuggled()}`)],
    ["a space in :path", () => requestFields(HOST, `${target()} HTTP/1.1`)],
    ["a control character in :path", () => requestFields(HOST, `${target()}\x0b`)],
    ["a line break in :method", () => requestFields(HOST, target(), `${smuggled()}GET`)],
    ["a space in :method", () => requestFields(HOST, target(), `GET ${target()}`)],
    ["a line break in :authority", () => requestFields(`${HOST}\r\nx: y`, target())],
    ["a line break in :scheme", () => [...without(get(), ":scheme"), [":scheme", "https\r\nx: y"]]],
    ["a URL in :scheme", () => [[":scheme", `https://evil.test/`], ...without(get(), ":scheme")]],
  ])("%s", async (_, makeFields, makeBody) => {
    expect(await attempt(makeFields(), makeBody?.())).toMatchObject({ reset: PROTOCOL_ERROR, body: "", seen: [] });
  });
});

it("sends more than its Content-Length (H2.CL): the connection ends, and nothing reaches the worker", async () => {
  const { body, seen } = await attempt(post(["content-length", "1"]), `x${smuggled()}`);
  expect([body, seen]).toEqual(["", []]);
});

it.each([
  ["beyond ASCII", "\xe9"],
  ["that ends a line to some", "\x85"],
])("has a byte %s in :path: 400", async (_, byte) => {
  const { body, seen } = await attempt(requestFields(HOST, `${target()}${byte}`));
  expect(JSON.parse(body)).toMatchObject({ status: 400, code: "bad_request" });
  expect(seen).toEqual([]);
});

describe("loses the field, and nothing more, for", () => {
  it.each<[string, Field]>([
    ["a line break in a value", ["x-odd", "1\r\ntransfer-encoding: chunked"]],
    ["a request in a value", ["x-odd", `1\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`]],
    ["a bare carriage return in a value", ["x-odd", "1\r"]],
    ["a NUL in a value", ["x-odd", "1\0"]],
    ["a line break in a name", ["x-odd: 1\r\ntransfer-encoding", "chunked"]],
    ["a colon in a name", ["x-odd:transfer-encoding", "chunked"]],
    ["a space in a name", ["x-odd transfer-encoding", "chunked"]],
    ["a byte beyond ASCII in a name", ["x-odd\xe9", "1"]],
    ["no name", ["", "1"]],
  ])("%s", async (_, field) => {
    const { body, seen } = await attempt(post(field), smuggled());
    expect(JSON.parse(body)).toMatchObject({ method: "POST", body: smuggledOf(body) });
    expect(seen).toHaveLength(1);
    expect(JSON.stringify(seen)).not.toContain("x-odd");
    expect(seen[0]?.headers[""]).toBeUndefined();
  });

  /** The body is what was sent, whatever it looks like. */
  const smuggledOf = (answer: string) =>
    expect.stringMatching(new RegExp(`^GET /smuggled-${new URL(JSON.parse(answer).url).search.slice(1)} HTTP/1.1`));
});

it("spreads a request over a body that looks like HTTP/1.1: it is a body", async () => {
  const { body, seen } = await attempt(post(), `0\r\n\r\n${smuggled()}`);
  expect(JSON.parse(body).body).toMatch(/^0\r\n\r\nGET \/smuggled-/);
  expect(seen).toHaveLength(1);
});
