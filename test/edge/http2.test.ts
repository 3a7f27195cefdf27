/** HTTP/2 through the edge. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorkFolder, curl } from "./harness/command.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { askHttp2, connectHttp2, readAnswer } from "./harness/http2-client.ts";
import { until } from "./harness/until.ts";
import { readText, reflect } from "./harness/upstream.ts";

function* chunks(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; start += 64 * 1024) yield body.subarray(start, start + 64 * 1024);
}

const MIB = 1024 * 1024;
const REQUEST = { ":authority": HOST, ":path": "/" };

/** However it ended; `once` would reject for a stream that was reset. */
const ended = (stream: ClientHttp2Stream) =>
  new Promise<void>((resolve) => (stream.destroyed ? resolve() : stream.once("close", resolve)));

let edge: TestEdge;
let session: ClientHttp2Session;
beforeEach(async () => {
  edge = await startTestEdge();
  session = await connectHttp2(edge);
});
afterEach(async () => {
  session.destroy();
  await edge[Symbol.asyncDispose]();
});

describe("streams", () => {
  it("100 at once on one connection are answered each with its own", async () => {
    const paths = Array.from({ length: 100 }, (_, index) => `/${index}`);
    const answers = await Promise.all(
      paths.map((path) => askHttp2(session, { ":path": path, ":method": "POST" }, `body of ${path}`)),
    );
    expect(answers.map((answer) => [answer.seen().url, answer.seen().body])).toEqual(
      paths.map((path) => [path, `body of ${path}`]),
    );
    const assertions = new Set(answers.map((answer) => answer.seen().headers["sallyport-edge-assertion"]));
    expect((await edge.readAssertion(answers[0]?.seen().headers ?? {})).client.httpProtocol).toBe("HTTP/2");
    expect(assertions.size).toBeLessThanOrEqual(100);
    expect((await askHttp2(session)).seen().headers["sallyport-edge-assertion"]).toSatisfy((token: string) =>
      assertions.has(token),
    );
  });

  it("more than the limit wait", async () => {
    await using narrow = await startTestEdge({ limits: { http2StreamsMax: 2 } });
    const client = await connectHttp2(narrow);
    await until(() => client.remoteSettings.maxConcurrentStreams === 2);
    narrow.upstream.onRequest = () => {};
    const streams = [1, 2, 3].map(() => client.request(REQUEST));
    await until(() => narrow.upstream.requests.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(narrow.upstream.requests).toHaveLength(2);
    for (const stream of streams) stream.on("error", () => {}).close(constants.NGHTTP2_CANCEL);
    client.destroy();
  });
});

describe("a request", () => {
  it("with a body of 20 MiB arrives byte for byte, and its echo as well", async () => {
    edge.upstream.onRequest = (request, response) => void request.pipe(response);
    const body = randomBytes(20 * MIB);
    const stream = session.request({ ...REQUEST, ":method": "POST" });
    Readable.from(chunks(body)).pipe(stream);
    const received: Buffer[] = [];
    for await (const chunk of stream) received.push(chunk);
    expect(Buffer.concat(received).equals(body)).toBe(true);
  });

  it("without a body has none at the worker", async () => {
    const { headers, body } = (await askHttp2(session)).seen();
    expect([body, headers["transfer-encoding"], headers["content-length"]]).toEqual(["", undefined, undefined]);
  });

  it("whose Content-Length does not hold is broken off", async () => {
    const stream = session.request({ ...REQUEST, ":method": "POST", "content-length": "100" });
    stream.on("error", () => {});
    stream.end("half");
    await ended(stream);
    expect(stream.rstCode).not.toBe(constants.NGHTTP2_NO_ERROR);
  });

  it("that the client resets is cancelled at the worker, whatever the code", async () => {
    for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_PROTOCOL_ERROR]) {
      let cancelled = false;
      edge.upstream.onRequest = (_, response) =>
        response.on("close", () => {
          cancelled = true;
        });
      const before = edge.upstream.requests.length;
      const stream = session.request(REQUEST).on("error", () => {});
      await until(() => edge.upstream.requests.length > before);
      stream.close(code);
      await until(() => cancelled);
    }
    edge.upstream.onRequest = reflect;
    expect((await askHttp2(session)).status).toBe(200);
  });

  it("that is reset before the worker got it does not reach the worker", async () => {
    const stream = session.request({ ...REQUEST, ":path": "/gone" }).on("error", () => {});
    stream.close(constants.NGHTTP2_CANCEL);
    await ended(stream);
    expect((await askHttp2(session)).status).toBe(200);
    expect(
      edge.upstream.requests.filter(({ complete, url }) => complete && url === "/gone").length,
    ).toBeLessThanOrEqual(1);
  });

  it("by thousands that are reset at once leaves nothing behind", async () => {
    edge.upstream.onRequest = () => {};
    for (let round = 0; round < 5; round++) {
      const streams = Array.from({ length: 100 }, () => session.request(REQUEST).on("error", () => {}));
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
      await Promise.all(streams.map((stream) => ended(stream)));
    }
    await until(() => edge.upstream.sockets.size === 0);
    expect(session.destroyed || (await edge.waitForLog("request")).length > 0).toBe(true);
  });

  it("with Expect: 100-continue is asked for its body", async () => {
    const stream = session.request({ ...REQUEST, ":method": "POST", expect: "100-continue" });
    await once(stream, "continue");
    stream.end("body");
    expect((await readAnswer(stream)).seen().body).toBe("body");
  });

  it("with more header bytes than allowed is a 431", async () => {
    const answer = await askHttp2(session, { "x-large": "x".repeat(40_000) });
    expect(answer.problem()).toMatchObject({ status: 431, code: "headers_too_large" });
  });

  it("over curl is the same", async () => {
    await using folder = await createWorkFolder();
    const { stdout } = await curl(edge, folder, [
      "--http2",
      "--output",
      folder.path("answer"),
      "--write-out",
      "%{http_code} %{http_version}",
    ]);
    expect(stdout).toBe("200 2");
    expect(JSON.parse(await readFile(folder.path("answer"), "utf8")).method).toBe("GET");
  });
});

describe("a response", () => {
  it("has its cookies one by one, and nothing of the worker's connection", async () => {
    edge.upstream.onRequest = (_, response) => {
      response
        .writeHead(201, ["Set-Cookie", "a=1", "set-cookie", "b=2", "X-Two", "1", "x-two", "2", "Connection", "close"])
        .end();
    };
    const { status, headers } = await askHttp2(session);
    expect(status).toBe(201);
    expect(headers).toMatchObject({ "set-cookie": ["a=1", "b=2"], "x-two": "1, 2" });
    expect(headers).not.toHaveProperty("connection");
  });

  it("has its trailers and its early hints", async () => {
    edge.upstream.onRequest = (_, response) => {
      response.writeEarlyHints({ link: ["</a.css>; rel=preload", "</b.css>; rel=preload"] });
      response.writeHead(200, { trailer: "x-checksum" });
      response.write("body");
      response.addTrailers({ "x-checksum": "abc" });
      response.end();
    };
    const stream = session.request(REQUEST);
    const informations: unknown[] = [];
    let trailers: Record<string, unknown> = {};
    stream.on("headers", (headers) => informations.push(headers[":status"], headers.link));
    stream.on("trailers", (received) => {
      trailers = received;
    });
    expect(await readText(stream)).toBe("body");
    expect(informations).toEqual([103, "</a.css>; rel=preload, </b.css>; rel=preload"]);
    expect(trailers["x-checksum"]).toBe("abc");
  });

  it.each([204, 304])("of status %i has no body", async (status) => {
    edge.upstream.onRequest = (_, response) => void response.writeHead(status).end();
    const answer = await askHttp2(session);
    expect([answer.status, answer.body]).toEqual([status, ""]);
  });

  it("to HEAD has its headers and no body", async () => {
    edge.upstream.onRequest = (_, response) => void response.writeHead(200, { "content-length": 1234 }).end();
    const answer = await askHttp2(session, { ":method": "HEAD" });
    expect([answer.headers["content-length"], answer.body]).toEqual(["1234", ""]);
  });

  it("that the worker breaks off is broken, never short", async () => {
    edge.upstream.onRequest = (_, response) => {
      response.writeHead(200);
      response.write("half", () => response.socket?.destroy());
    };
    const stream = session.request(REQUEST).on("error", () => {});
    stream.resume();
    await ended(stream);
    expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    edge.upstream.onRequest = reflect;
    expect((await askHttp2(session)).status).toBe(200);
  });

  it("that the client reads slowly is not taken in faster", async () => {
    let sent = 0;
    edge.upstream.onRequest = (_, response) => {
      const chunk = Buffer.alloc(256 * 1024);
      const pump = () => {
        sent += chunk.length;
        if (sent < 200 * MIB) response.write(chunk, (error) => error ?? pump());
      };
      pump();
    };
    const stream = session.request(REQUEST).on("error", () => {});
    await once(stream, "response");
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(sent).toBeLessThan(32 * MIB);
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => edge.upstream.sockets.size === 0);
  });

  it.each([
    [
      "two content types",
      "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-type: c/d\r\ncontent-length: 2\r\n\r\nok",
      200,
    ],
    ["a status that HTTP/2 does not have", "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok", 503],
    [
      "a header that HTTP/2 forbids",
      "HTTP/1.1 200 OK\r\nte: x\r\nhttp2-settings: x\r\ncontent-length: 2\r\n\r\nok",
      200,
    ],
  ])("with %s is some answer, and the connection lives", async (_, bytes, status) => {
    edge.upstream.onRequest = (_request, response) => void response.socket?.end(Buffer.from(bytes));
    expect((await askHttp2(session)).status).toBe(status);
    edge.upstream.onRequest = reflect;
    expect((await askHttp2(session)).status).toBe(200);
  });

  it("is a 503 when the worker is away", async () => {
    await edge.upstream.close();
    const answer = await askHttp2(session);
    expect(answer.problem()).toMatchObject({ status: 503, code: "gateway_unavailable" });
    expect(answer.headers["retry-after"]).toBe("1");
  });

  it("of 413 ends a body that is too large", async () => {
    await using small = await startTestEdge({ limits: { bodyMaxBytes: 1_000 } });
    const client = await connectHttp2(small);
    const stream = client.request({ ...REQUEST, ":method": "POST" }).on("error", () => {});
    stream.write(Buffer.alloc(1_001));
    expect((await readAnswer(stream)).problem()).toMatchObject({ status: 413, code: "request_too_large" });
    client.destroy();
  });
});

it("an idle connection is told to go away", async () => {
  await using hasty = await startTestEdge({ limits: { keepAliveTimeoutMs: 100 } });
  const client = await connectHttp2(hasty);
  expect((await askHttp2(client)).status).toBe(200);
  await once(client, "close");
});
