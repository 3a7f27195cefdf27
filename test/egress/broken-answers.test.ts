/** Answers that break off after they began: cut as well, never half an answer that looks whole. And waiting in line. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../edge/harness/until.ts";
import { startTestEgress } from "./harness/egress.ts";
import { type Origin, PROTOCOLS, reflect, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki, upload } from "./harness/pki.ts";
import { resetConnection, startAnsweringOrigin, startTcpOrigin } from "./harness/raw-origin.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const FRAMINGS = {
  "a length": ["content-length: 100\r\n", "half"],
  chunks: ["transfer-encoding: chunked\r\n", "4\r\nhalf\r\n"],
  "no length at all": ["connection: close\r\n", "half"],
} as const;

const ENDS = {
  closed: (socket: TLSSocket) => void socket.end(),
  cut: (socket: TLSSocket) => void socket.destroy(),
  reset: resetConnection,
} as const;

/** A connection that is closed in order is the end of an answer without a length (RFC 9112, section 6.3). */
const isWhole = (framing: string, end: string) => framing === "no length at all" && end !== "reset";

const BROKEN = Object.keys(FRAMINGS).flatMap((framing) =>
  Object.keys(ENDS).flatMap((end) => (isWhole(framing, end) ? [] : [{ framing, end }])),
) as { framing: keyof typeof FRAMINGS; end: keyof typeof ENDS }[];

describe("an HTTP/1.1 answer", () => {
  it.each(BROKEN)("with $framing whose connection is $end in the middle is cut", async ({ framing, end }) => {
    const [head, body] = FRAMINGS[framing];
    const sockets: TLSSocket[] = [];
    await using origin = await startAnsweringOrigin(pki, (socket) => {
      sockets.push(socket);
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${body}`);
    });
    await using egress = await startTestEgress(pki.outbound());
    const sent = egress.open(`${origin.url}/`).end();
    const [response] = await once(sent, "response");
    const [half] = await once(response, "data");
    ENDS[end](sockets[0] as TLSSocket);
    await expect(once(response, "end")).rejects.toThrow("aborted");
    expect(half.toString()).toBe("half");
    expect(await egress.waitForEvents()).toMatchObject([
      {
        level: 40,
        status: 200,
        incomplete: true,
        code: "origin_unreachable",
        reason: expect.stringContaining("closed"),
      },
    ]);
  });

  it("that falls silent in the middle is cut when its time is up, and the log says so", async () => {
    await using origin = await startAnsweringOrigin(pki, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    });
    await using egress = await startTestEgress({ ...pki.outbound(), limits: { bodyTimeoutMs: 50 } });
    await expect(egress.ask(`${origin.url}/`)).rejects.toThrow("aborted");
    expect(await egress.waitForEvents()).toMatchObject([
      { level: 40, incomplete: true, code: "origin_timeout", reason: expect.stringContaining("fell silent") },
    ]);
  });

  it("that is longer than it said is cut to that, and the rest is not taken for the next answer", async () => {
    await using origin = await startAnsweringOrigin(pki, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
    });
    await using egress = await startTestEgress(pki.outbound());
    for (let count = 0; count < 3; count++) expect((await egress.ask(`${origin.url}/`)).text).toBe("ok");
  });
});

const STREAM_ENDS: Record<string, (response: Http2ServerResponse, origin: Origin) => void> = {
  "its stream reset with NO_ERROR": ({ stream }) => stream.close(0),
  "its stream reset with INTERNAL_ERROR": ({ stream }) => stream.close(2),
  "its stream reset with CANCEL": ({ stream }) => stream.close(8),
  "its stream destroyed, as a Node server does that gives up": ({ stream }) => void stream.destroy(),
  "its session destroyed": ({ stream }) => stream.session?.destroy(),
  "its connection closed after a GOAWAY": ({ stream }, { connections }) => {
    stream.session?.goaway(0);
    for (const connection of connections) connection.end();
  },
  "its connection cut": (_, { connections }) => {
    for (const connection of connections) connection.destroy();
  },
};

describe("an HTTP/2 answer", () => {
  it.each(Object.entries(STREAM_ENDS))("that has %s in the middle is cut", async (_, end) => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    await using egress = await startTestEgress(pki.outbound());
    const responses: ServerResponse[] = [];
    origin.onRequest = (_request, response) => {
      responses.push(response);
      response.write("half");
    };
    const [response] = await once(egress.open(`${origin.url}/`).end(), "response");
    await once(response, "data");
    end(responses[0] as unknown as Http2ServerResponse, origin);
    await expect(once(response, "end")).rejects.toThrow("aborted");
    expect(await egress.waitForEvents()).toMatchObject([{ level: 40, status: 200, incomplete: true }]);
    origin.onRequest = reflect;
    expect((await egress.ask(`${origin.url}/`)).status).toBe(200);
  });

  it("whose stream is reset before it began is a failure", async () => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    await using egress = await startTestEgress(pki.outbound());
    for (const code of [0, 2, 8, 13]) {
      origin.onRequest = (_, response) => (response as unknown as Http2ServerResponse).stream.close(code);
      for (const method of ["GET", "POST"]) {
        const { failure } = await egress.ask(`${origin.url}/`, { method, body: method === "POST" ? "body" : "" });
        expect([code, method, failure?.code]).toEqual([code, method, "origin_unreachable"]);
      }
    }
    expect(origin.handshakes).toHaveLength(1);
  });

  it("that falls silent is cut or refused when its time is up", async () => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    const limits = { headersTimeoutMs: 50, bodyTimeoutMs: 50 };
    await using egress = await startTestEgress({ ...pki.outbound(), limits });
    origin.onRequest = (request, response) => {
      if (request.url === "/begun") response.write("half");
    };
    expect((await egress.ask(`${origin.url}/`)).failure).toMatchObject({
      code: "origin_timeout",
      reason: expect.stringContaining("sent no response in time"),
    });
    await expect(egress.ask(`${origin.url}/begun`)).rejects.toThrow("aborted");
  });
});

describe("a worker that leaves", () => {
  it.each(PROTOCOLS)(
    "in the middle ends the request at the origin over %s, and is told apart in the log",
    async (protocol) => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(pki.outbound());
      const gone: string[] = [];
      origin.onRequest = (request, response) => {
        response.on("close", () => gone.push(`${request.method} ${request.url}`));
        if (request.url === "/begun") response.write("half");
      };
      const begun = egress.open(`${origin.url}/begun`).on("error", () => {});
      await once(begun.end(), "response");
      const waiting = egress.open(`${origin.url}/waiting`).on("error", () => {});
      waiting.end();
      const uploading = egress.open(`${origin.url}/uploading`, { method: "POST" }).on("error", () => {});
      uploading.write("half");
      await until(() => origin.requests.length === 3);
      for (const sent of [begun, waiting, uploading]) sent.destroy();
      await until(() => gone.length === 3);
      expect(gone.sort()).toEqual(["GET /begun", "GET /waiting", "POST /uploading"]);
      const events = await egress.waitForEvents(3);
      expect(events.map(({ level, status, incomplete }) => [level, status, incomplete]).sort()).toEqual([
        [30, 200, true],
        [30, 499, true],
        [30, 499, true],
      ]);
    },
  );

  it.each(PROTOCOLS)("in the middle of its body leaves a broken request over %s, not a short one", async (protocol) => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    for (const headers of [{ "content-length": "100" }, { "transfer-encoding": "chunked" }]) {
      let ending = "";
      origin.onRequest = (request) => {
        request.on("end", () => (ending ||= "complete"));
        request.on("aborted", () => (ending ||= "broken"));
        request.resume();
      };
      const before = origin.requests.length;
      const sent = egress.open(`${origin.url}/`, { method: "POST", headers }).on("error", () => {});
      sent.write("half");
      await until(() => origin.requests.length > before);
      sent.destroy();
      expect(await until(() => ending !== "" && ending)).toBe("broken");
    }
  });
});

describe("requests that wait for one connection", () => {
  const REQUESTS = 20;

  it.each(["GET", "POST"])("fail with it, %s and all, and not one after the other", async (method) => {
    await using origin = await startTcpOrigin((socket) => socket.resume());
    await using egress = await startTestEgress({ ...pki.outbound(), limits: { connectTimeoutMs: 50 } });
    const asked = Array.from({ length: REQUESTS }, () => egress.ask(`${origin.url}/`, { method }));
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ failure }) => failure?.code))).toEqual(new Set(["origin_timeout"]));
    expect(origin.connections).toBeLessThan(REQUESTS / 2);
  });

  it("are told that the certificate was disabled in the meantime", async () => {
    await using origin = await startTcpOrigin((socket) => socket.resume());
    await using egress = await startTestEgress(pki.outbound());
    const waiting = Array.from({ length: REQUESTS }, () => egress.ask(`${origin.url}/`));
    await until(() => origin.sockets.size > 0);
    egress.replace(pki.outbound({ gateway: upload(pki.gateway, { isDisabled: true }) }));
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ failure }) => failure?.code))).toEqual(new Set(["mtls_certificate_disabled"]));
  });
});
