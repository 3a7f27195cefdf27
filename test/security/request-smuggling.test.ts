/**
 * An attacker sends a request whose end can be read in two ways, so that the worker finds a second one in it that the edge
 * never judged (RFC 9112, section 11.2). A pipelined request follows each: either edge and worker agree on where
 * everything ends, and the worker sees exactly those two, or the edge answers 400 and closes, and it sees neither.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HOST } from "../edge/harness/edge.ts";
import { sendBytes, writeMessage } from "./harness/raw-http.ts";
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

const SMUGGLED = "/smuggled-";
const smuggled = () => writeMessage([`GET ${SMUGGLED}${mark} HTTP/1.1`, `host: ${HOST}`]);
const CHUNKED = "4\r\nbody\r\n0\r\n\r\n";
const post = (lines: string[], body: string, version = "HTTP/1.1") =>
  writeMessage([`POST /v1/inspect?${mark} ${version}`, `host: ${HOST}`, ...lines], body);
const second = () => writeMessage([`GET /v1/inspect?${mark}-second HTTP/1.1`, `host: ${HOST}`, "connection: close"]);

const seenPaths = async () =>
  (await stack.recorded(mark)).map(({ method, url }) => `${method} ${url.slice(url.indexOf(mark) + mark.length)}`);

async function expectRefused(bytes: string): Promise<void> {
  const { statuses, text } = await sendBytes(stack, bytes + second());
  expect(statuses).toEqual([400]);
  expect(text).toMatch(/^connection: close\r$/im);
  expect(text).toContain('"code":"bad_request"');
  // A request that broke off in its body may have begun at the worker; it was not answered, and nothing came after it.
  expect(["", "POST "]).toContain((await seenPaths()).join());
  await expectControl();
}

/** The same without what is odd about it: both requests are served. */
async function expectControl(): Promise<void> {
  mark = randomUUID();
  await expectAgreement(post(["transfer-encoding: chunked"], CHUNKED));
}

async function expectAgreement(bytes: string, bodies = ["body", ""]): Promise<void> {
  const { statuses, text } = await sendBytes(stack, bytes + second());
  expect(statuses).toEqual([200, 200]);
  expect(Array.from(text.matchAll(/"body":"([^"]*)"/g), ([, body]) => body)).toEqual(bodies);
  expect(await seenPaths()).toEqual(["POST ", "GET -second"]);
}

describe("gives two lengths (RFC 9112, section 6.3)", () => {
  const te = "transfer-encoding: chunked";
  it.each<[string, string[], () => string]>([
    ["CL.TE", ["content-length: 4", te], () => `0\r\n\r\n${smuggled()}`],
    ["TE.CL", [te, "content-length: 4"], () => `0\r\n\r\n${smuggled()}`],
    ["TE.CL with a length of 0", [te, "content-length: 0"], () => CHUNKED],
    ["two Content-Length that differ", ["content-length: 4", "content-length: 60"], () => `body${smuggled()}`],
    ["two Content-Length that are the same", ["content-length: 4", "content-length: 4"], () => "body"],
    ["a list of Content-Length", ["content-length: 4, 4"], () => "body"],
    ["CL.TE in HTTP/1.0", ["content-length: 4", te], () => `0\r\n\r\n${smuggled()}`],
  ])("%s", async (title, lines, makeBody) => {
    await expectRefused(post(lines, makeBody(), title.includes("1.0") ? "HTTP/1.0" : "HTTP/1.1"));
  });
});

describe("writes Transfer-Encoding so that not everybody reads it (TE.TE, RFC 9112, section 6.1)", () => {
  it.each([
    ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding: identity, chunked"],
    ["Transfer-Encoding: identity"],
    ["Transfer-Encoding: chunked, chunked"],
    ["Transfer-Encoding: gzip, chunked"],
    ["Transfer-Encoding: xchunked, chunked"],
    ["Transfer-Encoding: xchunked"],
    ["Transfer-Encoding: ,chunked"],
    ["Transfer-Encoding: chunked,"],
    ["Transfer-Encoding: chunked;q=1"],
    ['Transfer-Encoding: "chunked"'],
    ["Transfer-Encoding:"],
    ["Transfer-Encoding : chunked"],
    [" Transfer-Encoding: chunked"],
    ["Transfer-Encoding:\x0bchunked"],
    ["Transfer-Encoding: chunked\t"],
    ["Transfer-Encoding: \xa0chunked"],
    ["Transfer-Encoding: chunked\0"],
    ["X: y\nTransfer-Encoding: chunked"],
    ["X: y\rTransfer-Encoding: chunked"],
    ["X: y\r\n Transfer-Encoding: chunked"],
    ["Transfer-Encoding:\r\n chunked"],
    ["Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"],
    ["Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"],
  ])("%j", async (line) => {
    await expectRefused(post([line], CHUNKED));
    mark = randomUUID();
    await expectRefused(post([line], `0\r\n\r\n${smuggled()}`));
  });

  it.each(["transfer-encoding: chunked", "TRANSFER-ENCODING: CHUNKED", "Transfer-Encoding:\tChunked"])(
    "%j is read by both",
    async (line) => {
      await expectAgreement(post([line], CHUNKED));
    },
  );

  it("in HTTP/1.0, where it does not exist", async () => {
    await expectRefused(post(["connection: keep-alive", "transfer-encoding: chunked"], CHUNKED, "HTTP/1.0"));
  });

  it("with an underscore: it is no framing, and not passed on", async () => {
    const { statuses } = await sendBytes(stack, post(["transfer_encoding: chunked", "connection: close"], ""));
    expect(statuses).toEqual([200]);
    expect(Object.keys((await stack.recorded(mark))[0]?.headers ?? {})).not.toContain("transfer_encoding");
    await expectControl();
  });
});

describe("writes Content-Length so that not everybody reads it (RFC 9110, section 8.6)", () => {
  it.each(["", "+4", "-4", "0x4", "4a", "4.0", "4e0", "4 4", "4\x0b", "99999999999999999999", "18446744073709551620"])(
    "%j",
    async (length) => {
      await expectRefused(post([`content-length: ${length}`], `body${smuggled()}`));
    },
  );

  it.each(["04", "4 ", "\t4"])("%j is read by both", async (length) => {
    await expectAgreement(post([`content-length: ${length}`], "body"));
  });

  it("with an underscore: it is no framing, and not passed on (CGI reads it as one)", async () => {
    await expectAgreement(post(["content-length: 4", "content_length: 0"], "body"));
    expect(Object.keys((await stack.recorded(mark))[0]?.headers ?? {})).not.toContain("content_length");
  });

  it("and lists it in Connection, to have it dropped on the way", async () => {
    // Of a body that it has whole, undici knows the length.
    const body = smuggled().repeat(2_000);
    const lines = [`content-length: ${body.length}`, "connection: keep-alive, content-length"];
    await expectAgreement(post(lines, body), [JSON.stringify(body).slice(1, -1), ""]);
    expect((await stack.recorded(mark))[0]?.headers["content-length"]).toBe(String(body.length));
  });
});

describe("writes chunks so that not everybody reads them (RFC 9112, section 7.1)", () => {
  it.each([
    ["a size that is none", "nonsense\r\nbody\r\n0\r\n\r\n"],
    ["a size in another notation", "0x4\r\nbody\r\n0\r\n\r\n"],
    ["a signed size", "+4\r\nbody\r\n0\r\n\r\n"],
    ["a negative size", "-1\r\nbody\r\n0\r\n\r\n"],
    ["a size with an underscore", "0_4\r\nbody\r\n0\r\n\r\n"],
    ["a size beyond all numbers", "fffffffffffffffff4\r\nbody\r\n0\r\n\r\n"],
    ["a space after the size", "4 \r\nbody\r\n0\r\n\r\n"],
    ["a bare line feed after the size", "4\nbody\r\n0\r\n\r\n"],
    ["a bare carriage return after the size", "4\rbody\r\n0\r\n\r\n"],
    ["a bare line feed in a chunk extension (TERM.EXT)", "4;a\nbody\r\n0\r\n\r\n"],
    ["a bare carriage return in a chunk extension", "4;a\rb\r\nbody\r\n0\r\n\r\n"],
    ["a quote in a chunk extension that is not closed", '4;a="\r\nbody\r\n0\r\n\r\n'],
    ["a chunk extension of 20 KiB (Node CVE-2024-22019)", `4;${"x".repeat(20_480)}\r\nbody\r\n0\r\n\r\n`],
    ["a chunk that is longer than it says", "4\r\nbodybody\r\n0\r\n\r\n"],
    ["a chunk without its end (TERM.SPILL)", "4\r\nbodyX0\r\n\r\n"],
    ["a bare line feed after a chunk", "4\r\nbody\n0\r\n\r\n"],
    ["a bare line feed after the last chunk", "4\r\nbody\r\n0\n\r\n"],
    ["a bare line feed at the very end", "4\r\nbody\r\n0\r\n\n"],
    ["an empty line before the first chunk", "\r\n4\r\nbody\r\n0\r\n\r\n"],
    ["a folded trailer", "4\r\nbody\r\n0\r\nx: 1\r\n y\r\n\r\n"],
    ["a trailer that is none", "4\r\nbody\r\n0\r\nGET /x HTTP/1.1\r\n\r\n"],
    ["Content-Length in the trailers", "4\r\nbody\r\n0\r\ncontent-length: 60\r\n\r\n"],
  ])("%s", async (_, body) => {
    await expectRefused(post(["transfer-encoding: chunked"], body + smuggled()));
  });

  it.each([
    ["an extension", '4;a="0\\"";b\r\nbody\r\n0;c\r\n\r\n'],
    ["a size with leading zeros", "00004\r\nbody\r\n000\r\n\r\n"],
    ["trailers", "4\r\nbody\r\n0\r\nx-checksum: 1\r\n\r\n"],
  ])("%s is read by both", async (_, body) => {
    await expectAgreement(post(["transfer-encoding: chunked"], body));
  });
});

describe("ends lines so that not everybody sees the end (RFC 9112, section 2.2)", () => {
  it.each<[string, () => string]>([
    ["bare line feeds throughout", () => post(["content-length: 4"], "body").replaceAll("\r", "")],
    ["a bare line feed after the request line", () => post(["content-length: 4"], "body").replace("\r", "")],
    ["a bare line feed between headers", () => post(["x: 1\ncontent-length: 4"], "body")],
    ["a bare line feed before the body", () => post(["content-length: 4"], "body").replace("\r\n\r\n", "\r\n\n")],
    ["a bare carriage return between headers", () => post(["x: 1\rcontent-length: 4"], "body")],
    ["a bare carriage return in a value", () => post(["x: a\rb", "content-length: 4"], "body")],
    ["a folded line (obs-fold, section 5.2)", () => post(["x: a", "\tb", "content-length: 4"], "body")],
    ["a space before the first header", () => post([], "").replace("host", " host")],
    ["a NUL in a value", () => post(["x: a\0b", "content-length: 4"], "body")],
  ])("%s", async (_, makeBytes) => {
    await expectRefused(makeBytes());
  });

  it("empty lines before a request are skipped by both", async () => {
    await expectAgreement(`\r\n\r\n${post(["content-length: 4"], "body")}\r\n`);
  });
});

describe("writes odd bytes into a header's name (RFC 9110, section 5.6.2)", () => {
  it.each(["x y", "x ", "x\t", "x\0", "x\x7f", "x\xff", "\x0bx", "x(", "x/", "x{", "x\ry", "x\ny", "é", '"x"', ""])(
    "%j",
    async (name) => {
      await expectRefused(post([`${name}: 4`, "content-length: 4"], `body${smuggled()}`));
      mark = randomUUID();
      await expectRefused(post([`content-length${name.replaceAll(/[a-z]/g, "") || " "}: 60`], `body${smuggled()}`));
    },
  );

  it.each(["x'", "x!#$%&*+.^`|~1", "X-ODD_Name"])("%j is a name to both", async (name) => {
    await expectAgreement(post([`${name}: 4`, "content-length: 4"], "body"));
    expect((await stack.recorded(mark))[0]?.headers[name.toLowerCase()]).toBe("4");
  });
});

describe("writes the request line so that not everybody reads it (RFC 9112, section 3)", () => {
  it.each([
    "GET\t/PATH HTTP/1.1",
    "GET /PATH\x0b HTTP/1.1",
    "GET /PATH HTTP/1.1 ",
    "GET /PATH http/1.1",
    "GET /PATH HTTP/1.10",
    "GET /PATH HTTP/01.1",
    "GET /PATH HTTP/0.9",
    "GET /PATH HTTP/2.0",
    "GET /PATH HTTP/3.0",
    "GET /PATH",
    "get /PATH HTTP/1.1",
    "GET /PATH\0 HTTP/1.1",
    "GET /PATH\xe9 HTTP/1.1",
    "GET /PATH HTTP/1.1\rHost: x",
    "PRI * HTTP/2.0",
  ])("%j", async (line) => {
    await expectRefused(writeMessage([line.replace("/PATH", `/v1/inspect?${mark}`), `host: ${HOST}`]));
  });
});
