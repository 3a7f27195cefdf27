/** WebSockets through the egress, to origins that verify client certificates. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { Agent, WebSocket } from "undici";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../edge/harness/until.ts";
import { acceptWebSocket, echoWebSocket, writeFrame } from "../edge/harness/websocket-server.ts";
import { startTestEgress, type TestEgress } from "./harness/egress.ts";
import { startGate } from "./harness/gate.ts";
import { type Origin, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki, upload } from "./harness/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const gateway = (more: Parameters<typeof upload>[1] = {}) => pki.outbound({ gateway: upload(pki.gateway, more) });

/** As a worker opens it: its URL is the egress, the target stands in a header. */
function createWebSocket(egress: TestEgress, target: string, protocols: string[] = []) {
  const dispatcher = new Agent();
  const socket = new WebSocket(egress.url.replace("http:", "ws:"), {
    headers: egress.headers(target),
    protocols,
    dispatcher,
  });
  socket.binaryType = "arraybuffer";
  socket.addEventListener("error", () => {});
  const closed = once(socket, "close").then(async ([event]) => {
    await dispatcher.destroy();
    return event as { code: number; reason: string };
  });
  return { socket, closed };
}

async function openWebSocket(egress: TestEgress, origin: Origin) {
  origin.onUpgrade ??= echoWebSocket;
  const opened = createWebSocket(egress, `${origin.url}/chat?room=1`);
  await once(opened.socket, "open");
  return opened;
}

const requestLines = (egress: TestEgress, target: string, more = "") => {
  const lines = Object.entries(egress.headers(target)).map(([name, value]) => `${name}: ${value}\r\n`);
  const upgrade = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n";
  return `GET / HTTP/1.1\r\n${upgrade}sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${lines.join("")}${more}\r\n`;
};

/** A worker's bare connection, which stays open until the test ends it. */
function connectRaw(egress: TestEgress, bytes: string): Socket {
  const socket = connect({ port: Number(new URL(egress.url).port), host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(bytes);
  return socket;
}

it("messages go both ways, with the certificate and the worker's own headers", async () => {
  await using origin = await startOrigin(pki);
  await using egress = await startTestEgress(gateway());
  const { socket, closed } = await openWebSocket(egress, origin);
  socket.send("hello");
  const [{ data }] = await once(socket, "message");
  expect([data, origin.handshakes]).toEqual(["hello", ["gateway"]]);
  const { request } = origin.requests[0] as Origin["requests"][number];
  expect([request.url, request.headers.host, request.headers.upgrade]).toEqual([
    "/chat?room=1",
    `localhost:${origin.port}`,
    "websocket",
  ]);
  expect(Object.keys(request.headers).filter((name) => name.startsWith("sallyport"))).toEqual([]);
  socket.close(4001, "done");
  expect(await closed).toMatchObject({ code: 4001, reason: "done" });
  const [event] = await egress.waitForEvents();
  expect(event).toMatchObject({ level: 30, status: 101, origin: origin.url, certificate: "gateway" });
  expect(event).not.toHaveProperty("cutReason");
});

it("2 MiB in one frame, a subprotocol and the headers of the 101 pass", async () => {
  await using origin = await startOrigin(pki);
  await using egress = await startTestEgress(gateway());
  origin.onUpgrade = echoWebSocket;
  const { socket, closed } = createWebSocket(egress, `${origin.url}/`, ["chat.v2", "chat.v1"]);
  await once(socket, "open");
  expect(socket.protocol).toBe("chat.v2");
  const message = randomBytes(2 * 1024 * 1024);
  socket.send(message);
  const [{ data }] = await once(socket, "message");
  expect(Buffer.from(data).equals(message)).toBe(true);
  socket.close();
  await closed;
});

it("no byte is lost that comes with the request or with the 101, and no header of ours comes back", async () => {
  await using origin = await startOrigin(pki);
  await using egress = await startTestEgress(gateway());
  origin.onUpgrade = (request, upgraded, head) => {
    acceptWebSocket(request, upgraded, ["sallyport-egress-failure: forged", "set-cookie: a=1", "set-cookie: b=2"]);
    writeFrame(upgraded, "text", Buffer.from("welcome"));
    upgraded.write(head);
    upgraded.on("data", (chunk: Buffer) => upgraded.write(chunk));
  };
  const socket = connectRaw(egress, `${requestLines(egress, origin.url)}early bytes`);
  let received = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    received += chunk;
  });
  await until(() => received.includes("welcome") && received.includes("early bytes"));
  socket.destroy();
  expect(received).toContain("set-cookie: a=1\r\nset-cookie: b=2\r\n");
  expect(received).not.toContain("forged");
});

describe("an origin that", () => {
  it("prefers HTTP/2 is asked for HTTP/1.1", async () => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2", allowsHttp1: true });
    await using egress = await startTestEgress(gateway());
    expect(JSON.parse((await egress.ask(`${origin.url}/`)).text)).toMatchObject({ protocol: "2.0" });
    const { socket, closed } = await openWebSocket(egress, origin);
    socket.send("hello");
    expect((await once(socket, "message"))[0].data).toBe("hello");
    socket.close();
    await closed;
  });

  it("speaks nothing but HTTP/2 is a failure that says so", async () => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    await using egress = await startTestEgress(gateway());
    const { failure } = await egress.ask(`${origin.url}/`, {
      headers: { connection: "upgrade", upgrade: "websocket" },
    });
    expect(failure).toMatchObject({
      code: "origin_tls_failed",
      reason: expect.stringContaining("no_application_protocol"),
    });
  });

  it("refuses is heard: its status, headers and body", async () => {
    await using origin = await startOrigin(pki);
    await using egress = await startTestEgress(gateway());
    origin.onUpgrade = (_, upgraded) =>
      void upgraded.end("HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 2\r\n\r\nno");
    const answer = await egress.ask(`${origin.url}/`, { headers: { connection: "upgrade", upgrade: "websocket" } });
    expect(answer).toMatchObject({ status: 401, text: "no", failure: undefined });
    expect(answer.headers["www-authenticate"]).toBe("Basic");
    expect(await egress.waitForEvents()).toMatchObject([{ level: 30, status: 401 }]);
  });

  it("refuses at length is heard to the end", async () => {
    const LARGE = 32 * 1024 * 1024;
    await using origin = await startOrigin(pki);
    await using egress = await startTestEgress(gateway());
    origin.onUpgrade = (_, upgraded) => {
      upgraded.write(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${LARGE}\r\n\r\n`);
      // Not ended: the end of the connection would have undici hand over what is left in one go.
      upgraded.write(Buffer.alloc(LARGE, "x"));
    };
    const sent = egress.open(`${origin.url}/`, { headers: { connection: "upgrade", upgrade: "websocket" } });
    const [response] = await once(sent.end(), "response");
    // Time for the sockets to fill; on a slow machine they fill less, which is no harm.
    await delay(200);
    expect([response.statusCode, (await buffer(response)).length]).toEqual([403, LARGE]);
  });

  it("is away is a failure like any other", async () => {
    await using egress = await startTestEgress(gateway());
    const gone = await startOrigin(pki);
    await gone[Symbol.asyncDispose]();
    const answer = await egress.ask(`${gone.url}/`, { headers: { connection: "upgrade", upgrade: "websocket" } });
    expect(answer).toMatchObject({ status: 522, failure: { code: "origin_unreachable" } });
    expect((await createWebSocket(egress, `${gone.url}/`).closed).code).toBe(1006);
  });
});

it.each(["content-length: 5\r\n", "transfer-encoding: chunked\r\n"])(
  "one with a body (%j) is refused, not held",
  async (line) => {
    await using origin = await startOrigin(pki);
    await using egress = await startTestEgress(gateway());
    const socket = connectRaw(egress, requestLines(egress, origin.url, line));
    const answer = text(socket);
    await once(socket, "end");
    socket.end();
    expect(await answer).toContain("a WebSocket request has no body");
    expect(origin.requests).toEqual([]);
  },
);

describe("an open one", () => {
  it.each([
    ["rotated", () => gateway({ version: "2" })],
    ["disabled", () => gateway({ isDisabled: true })],
    ["deleted", () => pki.outbound({})],
  ])("ends on both sides when the certificate is %s", async (_, outbound) => {
    await using origin = await startOrigin(pki);
    await using egress = await startTestEgress(gateway());
    const { closed } = await openWebSocket(egress, origin);
    egress.replace(outbound());
    expect((await closed).code).toBe(1006);
    await until(() => origin.connections.size === 0);
    const reason = "the client certificate was rotated, disabled or deleted";
    expect(await egress.waitForEvents()).toMatchObject([{ status: 101, cutReason: reason }]);
  });

  it("stays through changes elsewhere, and when its pool has to make room", async () => {
    await using origin = await startOrigin(pki);
    await using other = await startOrigin(pki);
    await using egress = await startTestEgress({ ...gateway(), limits: { poolsMax: 1 } });
    const { socket, closed } = await openWebSocket(egress, origin);
    await egress.ask(`${other.url}/`);
    egress.replace(pki.outbound({ gateway: upload(pki.gateway), other: upload(pki.server) }));
    socket.send("still there");
    expect((await once(socket, "message"))[0].data).toBe("still there");
    egress.replace(gateway({ isDisabled: true }));
    expect((await closed).code).toBe(1006);
  });

  it("ends when one side leaves abruptly", async () => {
    await using origin = await startOrigin(pki);
    await using egress = await startTestEgress(gateway());
    origin.onUpgrade = echoWebSocket;
    const worker = connectRaw(egress, requestLines(egress, origin.url));
    await once(worker, "data");
    worker.destroy();
    await until(() => origin.connections.size === 0);
    const { closed } = await openWebSocket(egress, origin);
    for (const connection of origin.connections) connection.destroy();
    expect((await closed).code).toBe(1006);
  });

  it("ends when the egress ends, and so does one that was not yet accepted", async () => {
    await using origin = await startOrigin(pki);
    const egress = await startTestEgress(gateway());
    const { closed } = await openWebSocket(egress, origin);
    origin.onUpgrade = () => {};
    const waiting = connectRaw(egress, requestLines(egress, origin.url));
    await until(() => origin.requests.length === 2);
    await egress[Symbol.asyncDispose]();
    expect((await closed).code).toBe(1006);
    await until(() => origin.connections.size === 0);
    waiting.destroy();
  });
});

it("one that waits for its handshake is opened with the certificate of then", async () => {
  const next = await pki.clientCa.issue({ subject: "CN=next" });
  await using origin = await startOrigin(pki);
  await using gate = await startGate(() => origin.port);
  await using egress = await startTestEgress(gateway());
  origin.onUpgrade = echoWebSocket;
  const { socket, closed } = createWebSocket(egress, `${gate.url}/`);
  const opened = once(socket, "open");
  await until(() => gate.arrivals > 0);
  egress.replace(pki.outbound({ gateway: upload(next, { version: "2" }) }));
  gate.open();
  await opened;
  expect(origin.handshakes).toEqual(["next"]);
  socket.close();
  await closed;
});
