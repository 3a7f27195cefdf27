/** WebSockets through the edge: an upgrade like any other request, then two sockets that are joined. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, connectTls, readToEnd, sendRaw } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { until } from "./harness/until.ts";
import { createWebSocket, openWebSocket } from "./harness/websocket-client.ts";
import { acceptWebSocket, echoWebSocket, writeFrame } from "./harness/websocket-server.ts";

const UPGRADE = `GET /chat HTTP/1.1\r\nhost: ${HOST}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`;

let edge: TestEdge;
beforeEach(async () => {
  edge = await startTestEdge();
});
afterEach(() => edge[Symbol.asyncDispose]());

it("carries messages both ways, with an assertion and without a word about the client's own headers", async () => {
  const { socket, closed, echo } = await openWebSocket(edge, { path: "/chat?room=1" });
  expect(await echo("hello")).toBe("hello");
  const [request] = edge.upstream.requests;
  expect([request?.method, request?.url, request?.headers.upgrade]).toEqual(["GET", "/chat?room=1", "websocket"]);
  expect(await edge.readAssertion(request?.headers ?? {})).toMatchObject({ audience: HOST });
  socket.close(4001, "done");
  expect(await closed).toMatchObject({ code: 4001, reason: "done", wasClean: true });
  const [event] = await edge.waitForLog("request");
  expect(event).toMatchObject({ status: 101, path: "/chat", verdict: "NONE" });
  expect(event).not.toHaveProperty("cutReason");
});

it("carries a frame of 8 MiB", async () => {
  const { socket, echo } = await openWebSocket(edge, {});
  const message = randomBytes(8 * 1024 * 1024);
  const answer = await echo(new Uint8Array(message).buffer);
  expect(Buffer.from(answer).equals(message)).toBe(true);
  socket.close();
});

it("passes the close code of the worker on", async () => {
  const { socket, closed } = await openWebSocket(edge, {});
  socket.send("close 4123 enough");
  expect(await closed).toMatchObject({ code: 4123, reason: "enough" });
});

it("negotiates a subprotocol, and passes headers of the 101 on as they are", async () => {
  const text = Buffer.from("Grüße").toString("latin1");
  edge.upstream.onUpgrade = (request, socket) =>
    acceptWebSocket(request, socket, [`X-Text: ${text}`, "set-cookie: a=1"]);
  const { socket } = createWebSocket(edge, { protocols: ["chat.v2", "chat.v1"] });
  await once(socket, "open");
  expect(socket.protocol).toBe("chat.v2");
  socket.close();
  const raw = await connectTls(edge);
  raw.write(`${UPGRADE}\r\n`);
  const [head] = await once(raw.setEncoding("latin1"), "data");
  expect(head).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
  expect(head).toContain(`X-Text: ${text}\r\nset-cookie: a=1\r\n`);
  expect(head.match(/^connection:/gim)).toHaveLength(1);
  raw.destroy();
});

it("loses no bytes that come with the request, nor such that come with the 101", async () => {
  edge.upstream.onUpgrade = (request, socket, head) => {
    acceptWebSocket(request, socket);
    writeFrame(socket, "text", Buffer.from("welcome"));
    socket.write(head);
    socket.on("data", (chunk) => socket.write(chunk));
  };
  const raw = await connectTls(edge);
  raw.write(`${UPGRADE}\r\nearly bytes`);
  let text = "";
  raw.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  await until(() => text.includes("welcome") && text.includes("early bytes"));
  raw.destroy();
});

describe("a worker that does not upgrade", () => {
  it("answers like to any request, and the connection closes", async () => {
    edge.upstream.onUpgrade = (_, socket) =>
      void socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno");
    const answer = await sendRaw(edge, `${UPGRADE}\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n[\s\S]*connection: close\r\n\r\nno$/i);
    expect(await edge.waitForLog("request")).toMatchObject([{ status: 401, path: "/chat" }]);
  });

  it("is an error to the client's library", async () => {
    edge.upstream.onUpgrade = (_, socket) => void socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    expect((await createWebSocket(edge, {}).closed).code).toBe(1006);
  });

  it("that is away is a 503", async () => {
    await edge.upstream.close();
    expect(await sendRaw(edge, `${UPGRADE}\r\n`)).toMatch(/^HTTP\/1.1 503 [\s\S]*gateway_unavailable/);
  });
});

it("an upgrade for another host is misdirected", async () => {
  const answer = await sendRaw(edge, `${UPGRADE.replace(HOST, "b.test")}\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 421 [\s\S]*misdirected_request/);
  expect(edge.upstream.requests).toHaveLength(0);
});

describe("an upgrade that is none", () => {
  it("to anything but WebSocket is an ordinary request, and the last of its connection", async () => {
    const h2c = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\n";
    const answer = await sendRaw(edge, `GET /1 HTTP/1.1\r\nhost: ${HOST}\r\n${h2c}\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*^connection: close\r$/im);
    expect(edge.upstream.requests.map(({ url, headers }) => [url, headers.upgrade])).toEqual([["/1", undefined]]);
  });

  it.each([
    ["a Content-Length", "content-length: 5\r\n\r\nhello"],
    ["a chunked body", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
  ])("with %s is refused before the worker hears of it", async (_, rest) => {
    edge.upstream.onUpgrade = (_request, socket) => void socket.end("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n");
    const answer = await sendRaw(edge, UPGRADE + rest);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(edge.upstream.requests).toHaveLength(0);
    expect((await ask(edge)).status).toBe(200);
  });
});

describe("when one side leaves", () => {
  it("abruptly, the worker's side ends as well", async () => {
    edge.upstream.onUpgrade = echoWebSocket;
    const raw = await connectTls(edge);
    raw.write(`${UPGRADE}\r\n`);
    await once(raw, "data");
    raw.destroy();
    await until(() => edge.upstream.sockets.size === 0);
  });

  it("the worker, the client's side ends as well", async () => {
    edge.upstream.onUpgrade = (request, socket) => {
      acceptWebSocket(request, socket);
      socket.on("data", () => socket.destroy());
    };
    const raw = await connectTls(edge);
    raw.write(`${UPGRADE}\r\n`);
    await once(raw, "data");
    raw.write("x");
    await readToEnd(raw);
  });
});

it("makes Node warn of nothing", async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on("warning", listen);
  const { socket, closed } = await openWebSocket(edge, {});
  socket.close();
  await closed;
  await edge.waitForLog("request");
  process.off("warning", listen);
  expect(warnings).toEqual([]);
});
