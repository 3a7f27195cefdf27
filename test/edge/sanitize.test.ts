/**
 * Rule 5 of the verdict, from the other side: what the edge says itself, and what passes. What must not, in every
 * spelling, is in test/security/headers.test.ts.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, sendRaw } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { askHttp2, connectHttp2 } from "./harness/http2-client.ts";

const FORGED = "forged by the client";

/** What a CGI-like upstream would make of a name */
const normalize = (name: string) => name.toLowerCase().replaceAll("_", "-");

let edge: TestEdge;
beforeAll(async () => {
  edge = await startTestEdge();
});
beforeEach(() => edge.upstream.requests.splice(0));
afterAll(() => edge[Symbol.asyncDispose]());

const send = (lines: string[], body = "") => sendRaw(edge, [...lines, "connection: close", "", body].join("\r\n"));
const seenHeaders = () => edge.upstream.requests.at(-1)?.rawHeaders ?? [];

describe("the edge's own headers", () => {
  const OWN = {
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": HOST,
    "true-client-ip": "127.0.0.1",
    "sallyport-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
  };

  it("are there once, whatever the client says", async () => {
    const forged = Object.fromEntries(Object.keys(OWN).map((name) => [name, FORGED]));
    const { headers, rawHeaders } = (await ask(edge, { headers: forged })).seen();
    expect(headers).toMatchObject(OWN);
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map(normalize);
    for (const name of [...Object.keys(OWN), "sallyport-edge-assertion", "host"]) {
      expect(names.filter((other) => other === name)).toHaveLength(1);
    }
  });

  it("name another request each time", async () => {
    const ids = [await ask(edge), await ask(edge)].map((answer) => answer.seen().headers["sallyport-request-id"]);
    expect(new Set(ids).size).toBe(2);
  });
});

describe("everything else passes as it is", () => {
  it("in its order and case, duplicates and empty values included", async () => {
    const lines = [
      "Accept: a",
      "X-Odd_Name: 1",
      "accept: b",
      "X-Empty:",
      "Cookie: a=1",
      "cookie: b=2",
      "X-SSLx: x",
      "CFx: y",
    ];
    await send(["GET / HTTP/1.1", `host: ${HOST}`, ...lines]);
    const seen = seenHeaders();
    const pairs = lines.map((line) => line.split(/: ?/));
    expect(seen.slice(seen.indexOf("Accept"), seen.indexOf("Accept") + 2 * pairs.length)).toEqual(pairs.flat());
  });

  it("with bytes beyond ASCII", async () => {
    const value = Buffer.from("Grüße").toString("latin1");
    await send(["GET / HTTP/1.1", `host: ${HOST}`, `x-text: ${value}`]);
    expect(seenHeaders()).toContain(value);
  });

  it("but not what belongs to the client's own connection", async () => {
    const hopByHop = ["keep-alive: timeout=5", "te: trailers", "proxy-authorization: x", "x-mine: x", "x-kept: x"];
    await sendRaw(
      edge,
      ["GET / HTTP/1.1", `host: ${HOST}`, ...hopByHop, "connection: close, X-Mine, content-length", "", ""].join(
        "\r\n",
      ),
    );
    const names = seenHeaders().filter((_, index) => index % 2 === 0);
    expect(names).toContain("x-kept");
    for (const name of ["keep-alive", "te", "proxy-authorization", "x-mine"]) expect(names).not.toContain(name);
  });

  it("with the pieces of a cookie put together that HTTP/2 may take apart", async () => {
    const session = await connectHttp2(edge);
    const { rawHeaders } = (await askHttp2(session, { cookie: ["a=1", "b=2", "c=3"] })).seen();
    const cookies = rawHeaders.filter((_, index) => rawHeaders[index - 1] === "cookie");
    expect(cookies).toEqual(["a=1; b=2; c=3"]);
    session.destroy();
  });
});
