/** Bodies both ways: as they come, at the speed of the slower side, each in its own frame. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../edge/harness/until.ts";
import { readAnswer, startTestEgress } from "./harness/egress.ts";
import { PROTOCOLS, reflect, type SeenRequest, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";

const MIB = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024);

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

async function hashOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of stream) digest.update(chunk);
  return digest.digest("hex");
}

describe.each(PROTOCOLS)("over %s", (protocol) => {
  it.each([
    ["a length", { "content-length": String(20 * MIB) }],
    ["chunks", { "transfer-encoding": "chunked" }],
  ])("20 MiB with %s go up and come down as they are", async (_, headers) => {
    const body = randomBytes(20 * MIB);
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const length = (headers as Record<string, string>)["content-length"];
    origin.onRequest = (request, response) => {
      if (length !== undefined) response.setHeader("content-length", length);
      request.pipe(response);
    };
    const sent = egress.open(`${origin.url}/`, { method: "PUT", headers });
    sent.end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    expect(await hashOf(response)).toBe(createHash("sha256").update(body).digest("hex"));
    expect(response.headers["content-length"]).toBe(length);
    expect(origin.requests[0]?.request.headers["content-length"]).toBe(length);
  });

  describe("of 32 MiB that one side takes late", () => {
    const CHUNKS = (32 * MIB) / CHUNK.length;
    /** What the kernel keeps of four sockets, by far, and less than all of it */
    const LAG_MAX = 24 * MIB;

    /** Reads when the other side has stopped, and gives how much that had sent by then. */
    async function readLate(stream: AsyncIterable<Uint8Array>, sentBytes: () => number): Promise<number> {
      // Too early on a slow machine is no harm: it finds less than there would be.
      for (let before = -1; sentBytes() > before; await delay(50)) before = sentBytes();
      const lag = sentBytes();
      let received = 0;
      for await (const chunk of stream) received += chunk.length;
      expect(received).toBe(32 * MIB);
      return lag;
    }

    async function* produce(count: (bytes: number) => void) {
      for (let index = 0; index < CHUNKS; index++) {
        count(CHUNK.length);
        yield CHUNK;
      }
    }

    it("the worker sends no more than the origin takes", async () => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(pki.outbound());
      let sentBytes = 0;
      let lag = Number.NaN;
      origin.onRequest = async (request, response) => {
        lag = await readLate(request, () => sentBytes);
        response.end("ok");
      };
      const sent = egress.open(`${origin.url}/`, { method: "POST" });
      const source = Readable.from(produce((bytes) => (sentBytes += bytes)));
      const [[response]] = await Promise.all([once(sent, "response"), pipeline(source, sent)]);
      expect(await text(response)).toBe("ok");
      expect(lag).toBeLessThan(LAG_MAX);
    });

    it("the origin sends no more than the worker takes", async () => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(pki.outbound());
      let sentBytes = 0;
      origin.onRequest = (_, response) =>
        pipeline(
          produce((bytes) => (sentBytes += bytes)),
          response,
        );
      const [response] = await once(egress.open(`${origin.url}/`).end(), "response");
      expect(await readLate(response, () => sentBytes)).toBeLessThan(LAG_MAX);
    });
  });

  describe("an answer that comes while the body is still sent", () => {
    it("arrives, and the worker's connection serves the next request once the body is through", async () => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(pki.outbound());
      origin.onRequest = (request, response) => {
        if (request.url === "/early") response.writeHead(413).end("no");
        else void reflect(request, response);
      };
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const headers = { "content-length": String(20 * MIB) };
      const sent = egress.open(`${origin.url}/early`, { method: "POST", agent, headers });
      sent.write(Buffer.alloc(MIB));
      const [response] = await once(sent, "response");
      expect([response.statusCode, await text(response)]).toEqual([413, "no"]);
      sent.end(Buffer.alloc(19 * MIB));
      const next = await egress.ask(`${origin.url}/next`, { agent });
      expect(JSON.parse(next.text)).toMatchObject({ path: "/next" });
      agent.destroy();
    });

    it("arrives at a worker that sends all before it reads", async () => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(pki.outbound());
      origin.onRequest = (request, response) => response.writeHead(request.method === "POST" ? 413 : 200).end();
      const lines = Object.entries(egress.headers(`${origin.url}/`)).map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = connect(Number(new URL(egress.url).port), "127.0.0.1");
      socket.write(`POST / HTTP/1.1\r\ncontent-length: ${20 * MIB}\r\n${lines.join("")}\r\n`);
      await new Promise((resolve) => socket.write(Buffer.alloc(20 * MIB), resolve));
      socket.write(`GET / HTTP/1.1\r\nconnection: close\r\n${lines.join("")}\r\n`);
      expect(await text(socket)).toMatch(/^HTTP\/1.1 413 [\s\S]*HTTP\/1.1 200 /);
    });

    it("does not keep the rest of the body from an origin that wants it", async () => {
      await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
      await using egress = await startTestEgress(pki.outbound());
      let body = "";
      origin.onRequest = (request, response) => {
        response.writeHead(200);
        response.write("begun");
        request.on("data", (chunk) => (body += chunk));
        request.on("end", () => response.end(", done"));
      };
      const sent = egress.open(`${origin.url}/`, { method: "POST" });
      sent.write("one, ");
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      await until(() => body === "one, ");
      sent.end("two");
      expect([await text(response), body]).toEqual(["begun, done", "one, two"]);
    });
  });

  it("trailers come through, but not ours", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    origin.onRequest = (_, response) => {
      response.setHeader("trailer", "x-checksum");
      response.write("body");
      response.addTrailers({ "x-checksum": "42", "sallyport-egress-failure": "forged", Sallyport_Other: "forged" });
      response.end();
    };
    const answer = await egress.ask(`${origin.url}/`);
    expect([answer.text, answer.rawTrailers]).toEqual(["body", ["x-checksum", "42"]]);
  });

  it("early hints come before the answer, without what is ours", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    origin.onRequest = (_, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload", "sallyport-x": "forged", "x-hint": "1" });
      response.end("answer");
    };
    const sent = egress.open(`${origin.url}/`);
    const informed = once(sent, "information");
    expect((await readAnswer(sent)).text).toBe("answer");
    const [{ statusCode, headers }] = await informed;
    expect(statusCode).toBe(103);
    expect(headers).toEqual({ link: "</style.css>; rel=preload", "x-hint": "1" });
  });

  it("an answer that begins before the last byte of it is there is passed on as it comes", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const responses: { end(text: string): unknown }[] = [];
    origin.onRequest = (_, response) => {
      responses.push(response);
      response.write("first");
    };
    const [response] = await once(egress.open(`${origin.url}/`).end(), "response");
    expect((await once(response, "data")).toString()).toBe("first");
    responses[0]?.end("last");
    expect(await text(response)).toBe("last");
  });
});

it("a slow upload over HTTP/1.1 is not disturbed by requests over HTTP/2", async () => {
  await using origin = await startOrigin(pki);
  await using other = await startOrigin(pki, { protocol: "HTTP/2" });
  await using egress = await startTestEgress(pki.outbound());
  await egress.ask(`${other.url}/`);
  const upload = egress.open(`${origin.url}/`, { method: "POST" });
  upload.write("one");
  await until(() => origin.requests.length === 1);
  for (const method of ["GET", "POST", "HEAD"]) await egress.ask(`${other.url}/`, { method });
  const answer = await readAnswer(upload, ", two");
  expect(JSON.parse(answer.text) satisfies SeenRequest).toMatchObject({ body: "one, two" });
});

it("an HTTP/2 answer whose stream was closed in good order is whole, whatever it has", async () => {
  await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
  await using egress = await startTestEgress(pki.outbound());
  const kinds: Record<string, (response: Http2ServerResponse) => unknown> = {
    "/empty": (response) => response.end(),
    "/body": (response) => response.end("body"),
    "/none": (response) => response.writeHead(204).end(),
    "/large": (response) => response.end(Buffer.alloc(MIB)),
  };
  origin.onRequest = (request, response) => kinds[request.url ?? ""]?.(response as unknown as Http2ServerResponse);
  for (const path of Object.keys(kinds)) {
    const answers = await Promise.all(
      ["GET", "POST", "HEAD"].map((method) => egress.ask(origin.url + path, { method })),
    );
    expect(answers.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
  }
});
