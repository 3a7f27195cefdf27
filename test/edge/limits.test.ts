/** What one client may use of the edge, and bytes that are no HTTP. Each is an answer that says so, or the end of the connection. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, connectTls, readToEnd, sendRaw } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { openTcp } from "./harness/raw-handshake.ts";
import { until } from "./harness/until.ts";

const MIB = 1024 * 1024;

let edge: TestEdge;
beforeEach(async () => {
  edge = await startTestEdge({
    limits: {
      headersMaxBytes: 8_192,
      bodyMaxBytes: MIB,
      headersTimeoutMs: 200,
      requestTimeoutMs: 400,
      handshakeTimeoutMs: 200,
    },
  });
});
afterEach(() => edge[Symbol.asyncDispose]());

function problemIn(answer: string): { status: number; code: string } {
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  expect(answer).toMatch(/^content-type: application\/problem\+json\r$/im);
  expect(answer).toMatch(/^sallyport-request-id: /im);
  expect(answer).toMatch(/^connection: close\r$/im);
  return JSON.parse(body);
}

describe("a request that is too large", () => {
  it.each([
    ["headers", `GET / HTTP/1.1\r\nhost: ${HOST}\r\nx: ${"x".repeat(9_000)}\r\n\r\n`],
    ["many headers", `GET / HTTP/1.1\r\nhost: ${HOST}\r\n${"x: 1\r\n".repeat(3_000)}\r\n`],
    ["request line", `GET /${"x".repeat(9_000)} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`],
  ])("in its %s is a 431", async (_, request) => {
    expect(problemIn(await sendRaw(edge, request))).toMatchObject({ status: 431, code: "headers_too_large" });
    expect(edge.upstream.requests).toHaveLength(0);
    const [event] = await edge.waitForLog("request_refused");
    expect(event).toMatchObject({ status: 431, client: "127.0.0.1", host: HOST, reason: expect.any(String) });
  });

  it("by its Content-Length is a 413 before the worker hears of it", async () => {
    const answer = await sendRaw(edge, `POST / HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${MIB + 1}\r\n\r\n`);
    expect(problemIn(answer)).toMatchObject({ status: 413, code: "request_too_large" });
    expect(edge.upstream.requests).toHaveLength(0);
  });

  it("by its chunks is a 413, and a broken request at the worker", async () => {
    let ending = "";
    edge.upstream.onRequest = (request) => {
      request
        .on("end", () => {
          ending = "complete";
        })
        .on("error", () => {
          ending = "broken";
        })
        .resume();
    };
    const chunk = `${(64 * 1024).toString(16)}\r\n${"x".repeat(64 * 1024)}\r\n`;
    const socket = await connectTls(edge);
    socket.write(`POST / HTTP/1.1\r\nhost: ${HOST}\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(17)}`);
    expect(problemIn(await readToEnd(socket))).toMatchObject({ status: 413, code: "request_too_large" });
    expect(await until(() => ending !== "" && ending)).toBe("broken");
  });

  it("by nothing passes", async () => {
    expect((await ask(edge, { method: "POST", body: Buffer.alloc(MIB) })).seen().body).toHaveLength(MIB);
  });
});

// What an attacker does with where a request ends is in test/security/request-smuggling.test.ts.
describe("bytes that are no HTTP are a 400, and reach no worker", () => {
  const head = `POST / HTTP/1.1\r\nhost: ${HOST}\r\n`;

  it.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.9\r\n\r\n"],
    ["an unknown method", `FROB / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`],
    ["a space in the target", `GET /a b HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`],
  ])("%s", async (_, bytes) => {
    expect(problemIn(await sendRaw(edge, bytes))).toMatchObject({ status: 400, code: "bad_request" });
    expect(edge.upstream.requests.filter(({ complete }) => complete)).toEqual([]);
  });

  it("in chunks break the request that the worker has", async () => {
    const answer = await sendRaw(edge, `${head}transfer-encoding: chunked\r\n\r\n4\r\nbody\r\nnonsense\r\n`);
    expect(problemIn(answer)).toMatchObject({ status: 400 });
    expect(edge.upstream.requests.filter(({ complete }) => complete)).toEqual([]);
  });

  it("in the middle of an answer cut it, and put nothing into it", async () => {
    edge.upstream.onRequest = (_, response) => void response.write("first part");
    const socket = await connectTls(edge);
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n`);
    const text: string[] = [];
    socket.setEncoding("latin1").on("data", (chunk: string) => text.push(chunk));
    await until(() => text.join("").includes("first part"));
    socket.write("nonsense\r\n");
    await once(socket, "close");
    expect(text.join("")).not.toContain("400");
  });
});

describe("who is slow", () => {
  it("with headers is a 408", async () => {
    const socket = await connectTls(edge);
    socket.write(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n`);
    expect(problemIn(await readToEnd(socket))).toMatchObject({ status: 408, code: "request_timeout" });
    expect(await edge.waitForLog("request_refused")).toMatchObject([{ status: 408 }]);
  });

  it("with the body is a 408, and a broken request at the worker", async () => {
    const socket = await connectTls(edge);
    socket.write(`POST / HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: 100\r\n\r\nhalf`);
    expect(problemIn(await readToEnd(socket))).toMatchObject({ status: 408 });
    await until(() => edge.upstream.sockets.size === 0);
  });

  it.each([
    ["says nothing", Buffer.alloc(0)],
    ["says half a ClientHello", Buffer.from("160301020001000100", "hex")],
  ])("in the handshake and %s is cut off and logged", async (_, bytes) => {
    const { socket } = await openTcp(edge);
    socket.write(bytes);
    if (!socket.closed) await once(socket, "close");
    const [event] = await edge.waitForLog("handshake_failed");
    expect(event).toMatchObject({ reason: expect.stringContaining("timeout"), client: "127.0.0.1" });
  });
});

it.each([
  ["plain HTTP", `GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`],
  ["noise", "\x00\xff\x80".repeat(100)],
])("%s on the TLS port is a failed handshake in the log", async (_, bytes) => {
  const { socket } = await openTcp(edge);
  socket.write(bytes, "latin1");
  if (!socket.closed) await once(socket, "close");
  const [event] = await edge.waitForLog("handshake_failed");
  expect(event).toMatchObject({ client: "127.0.0.1", reason: expect.stringContaining("error:") });
});

it("TLS below 1.2 is a failed handshake", async () => {
  const tls = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
  await expect(connectTls(edge, { tls })).rejects.toThrow();
  expect((await edge.waitForLog("handshake_failed"))[0]).toMatchObject({ host: expect.any(String) });
});
