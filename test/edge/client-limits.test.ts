/** How much one client, and all of them together, may use of the edge. */
import { once } from "node:events";
import { constants } from "node:http2";
import { afterEach, describe, expect, it } from "vitest";
import { ask, connectTls, createKeepAliveAgent, sendRaw } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge, type TestEdgeOptions } from "./harness/edge.ts";
import { askHttp2, connectHttp2 } from "./harness/http2-client.ts";
import { openTcp } from "./harness/raw-handshake.ts";
import { until } from "./harness/until.ts";

let edge: TestEdge;
afterEach(() => edge[Symbol.asyncDispose]());

async function limit(limits: NonNullable<TestEdgeOptions["limits"]>): Promise<TestEdge> {
  edge = await startTestEdge({ limits });
  return edge;
}

const manyHeaders = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "1"]));

describe("header fields", () => {
  it("above the limit are a 431 over HTTP/1.1, and none is left out in silence", async () => {
    await limit({ headersMaxCount: 300 });
    const lines = (count: number) => "x: 1\r\n".repeat(count);
    const send = (count: number) =>
      sendRaw(edge, `GET / HTTP/1.1\r\nhost: ${HOST}\r\nconnection: close\r\n${lines(count)}\r\n`);
    expect(await send(290)).toMatch(/^HTTP\/1.1 200 /);
    const seen = edge.upstream.requests[0]?.rawHeaders.filter((text) => text === "x");
    expect(seen).toHaveLength(290);
    expect(await send(300)).toMatch(/^HTTP\/1.1 431 .*"headers_too_large"/s);
  });

  it("above the limit are a 431 over HTTP/2", async () => {
    await limit({ headersMaxCount: 20 });
    const session = await connectHttp2(edge);
    expect(await askHttp2(session, manyHeaders(10))).toMatchObject({ status: 200 });
    expect(await askHttp2(session, manyHeaders(20))).toMatchObject({ status: 431 });
    session.destroy();
  });
});

describe("requests on one connection", () => {
  it("end with Connection: close over HTTP/1.1", async () => {
    await limit({ requestsPerConnectionMax: 3 });
    const agent = createKeepAliveAgent();
    const closings: unknown[] = [];
    for (let sent = 0; sent < 4; sent++) closings.push((await ask(edge, { agent })).headers.connection);
    expect(closings).toEqual(["keep-alive", "keep-alive", "close", "keep-alive"]);
    agent.destroy();
  });

  it("end with GOAWAY over HTTP/2, and every one is answered", async () => {
    await limit({ requestsPerConnectionMax: 3 });
    const session = await connectHttp2(edge);
    const isGone = once(session, "close");
    const answers = await Promise.all([1, 2, 3].map(() => askHttp2(session)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await isGone;
  });
});

describe("connections", () => {
  it("above the limit are closed as they come, and those that are there go on", async () => {
    await limit({ connectionsMax: 2 });
    const agents = [createKeepAliveAgent(), createKeepAliveAgent()];
    for (const agent of agents) expect((await ask(edge, { agent })).status).toBe(200);
    await expect(connectTls(edge)).rejects.toThrow();
    for (const agent of agents) expect((await ask(edge, { agent })).status).toBe(200);
    agents[0]?.destroy();
    const third = await until(() => connectTls(edge).catch(() => undefined));
    (await third)?.destroy();
    agents[1]?.destroy();
  });

  it("that do not finish their handshake give way to newer ones, the oldest first, and to nobody's harm", async () => {
    await limit({ handshakesMax: 3 });
    const halves = [await openTcp(edge), await openTcp(edge), await openTcp(edge)];
    const agent = createKeepAliveAgent();
    expect((await ask(edge, { agent })).status).toBe(200);
    await until(() => halves[0]?.socket.closed === true);
    expect(halves.slice(1).map(({ socket }) => socket.closed)).toEqual([false, false]);
    // A finished one is no longer counted
    halves.push(await openTcp(edge), await openTcp(edge));
    await until(() => halves[1]?.socket.closed === true);
    expect(halves[2]?.socket.closed).toBe(false);
    expect((await ask(edge, { agent })).status).toBe(200);
    agent.destroy();
    for (const { socket } of halves) socket.destroy();
  });
});

describe("a client that takes its time", () => {
  it("with the body of an HTTP/2 request gets 408, and its stream ends", async () => {
    await limit({ requestTimeoutMs: 200, headersTimeoutMs: 200 });
    const session = await connectHttp2(edge);
    const stream = session.request({ ":authority": HOST, ":path": "/", ":method": "POST" }, { endStream: false });
    stream.write("a beginning");
    // Node calls it premature that the stream ends while it would go on sending.
    let text = "";
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(stream, "close");
    expect(JSON.parse(text)).toMatchObject({ status: 408, code: "request_timeout" });
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect(await askHttp2(session)).toMatchObject({ status: 200 });
    session.destroy();
  });

  it("with reading an answer is cut off, and the worker told", async () => {
    await limit({ sendTimeoutMs: 200 });
    let isWorkerTold = false;
    edge.upstream.onRequest = (_request, response) => {
      response.on("close", () => {
        isWorkerTold = true;
      });
      const fill = () => {
        while (response.write(Buffer.alloc(64 * 1024))) {}
        response.once("drain", fill);
      };
      fill();
    };
    const socket = await connectTls(edge);
    socket.pause();
    socket.write(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
    await until(() => isWorkerTold);
    socket.resume();
    if (!socket.closed) await once(socket, "close");
  });
});

it("a client that resets its HTTP/2 streams as fast as it opens them is thrown out (CVE-2023-44487)", async () => {
  await limit({ http2ResetsBurst: 20, http2ResetsPerSecond: 1 });
  const session = await connectHttp2(edge);
  let code: number | undefined;
  session.on("goaway", (given: number) => {
    code = given;
  });
  for (let opened = 0; opened < 100 && !session.closed; opened++) {
    const stream = session.request({ ":authority": HOST, ":path": "/" });
    stream.on("error", () => {});
    stream.close(constants.NGHTTP2_CANCEL);
  }
  await until(() => session.destroyed && code !== undefined);
  expect(code).not.toBe(constants.NGHTTP2_NO_ERROR);
  expect((await ask(edge)).status).toBe(200);
});
