/** Requests and answers on their way through: everything arrives but what belongs to one connection, and what is ours. */
import { Agent, request } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../edge/harness/until.ts";
import { readAnswer, startTestEgress, type TestEgress } from "./harness/egress.ts";
import { type Origin, PROTOCOLS, type SeenRequest, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";
import { startAnsweringOrigin } from "./harness/raw-origin.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

/** What the origin saw of a request with these header lines, in order, without HTTP/2's own. */
async function headersSeen(egress: TestEgress, origin: Origin, lines: string[], method = "GET"): Promise<string[][]> {
  const own = Object.entries(egress.headers(`${origin.url}/`)).flat();
  const answer = await readAnswer(request(egress.url, { method, headers: [...own, ...lines], agent: false }));
  const { rawHeaders } = JSON.parse(answer.text) as SeenRequest;
  const pairs = rawHeaders.map((_, index) => rawHeaders.slice(index, index + 2)).filter((_, index) => index % 2 === 0);
  return pairs.filter(([name]) => !name?.startsWith(":"));
}

describe.each(PROTOCOLS)("a request over %s", (protocol) => {
  /** What undici adds to an HTTP/1.1 request */
  const connectionLines = (origin: Origin) =>
    protocol === "HTTP/1.1"
      ? [
          ["host", `localhost:${origin.port}`],
          ["connection", "keep-alive"],
        ]
      : [];

  it("keeps its headers, in order", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const lines = [
      "Authorization",
      "Bearer x",
      "x-empty",
      "",
      "X-Text",
      "Gr\xfc\xdfe",
      "accept",
      "*/*",
      "user-agent",
      "u",
    ];
    expect(await headersSeen(egress, origin, lines)).toEqual([
      ...connectionLines(origin),
      ["authorization", "Bearer x"],
      ["x-empty", ""],
      ["x-text", "Gr\xfc\xdfe"],
      ["accept", "*/*"],
      ["user-agent", "u"],
    ]);
  });

  it("loses what belongs to the worker's connection, and what is ours in every spelling", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const dropped = [
      ...["keep-alive", "timeout=5", "proxy-connection", "keep-alive", "te", "trailers"],
      ...["upgrade", "h2c", "http2-settings", "AAMA", "proxy-authorization", "Basic x", "proxy-authenticate", "Basic"],
      ...["connection", "keep-alive, X-Named", "connection", "x-other", "x-named", "1", "X-Other", "2"],
      ...["expect", "100-continue", "host", "elsewhere.test"],
      ...["sallyport-x", "1", "Sallyport-Edge-Assertion", "2", "SALLYPORT_EGRESS_TOKEN", "3", "sallyport_x-y", "4"],
    ];
    expect(await headersSeen(egress, origin, [...dropped, "x-kept", "yes", "x-sallyport", "yes"])).toEqual([
      ...connectionLines(origin),
      ["x-kept", "yes"],
      ["x-sallyport", "yes"],
    ]);
  });

  it("may have a header twice, in two spellings, and cookies stay cookies", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const lines = [
      "Authorization",
      "one",
      "authorization",
      "two",
      "Cookie",
      "a=1",
      "cookie",
      "b=2",
      "x-many",
      "1",
      "X-Many",
      "2",
    ];
    const seen = await headersSeen(egress, origin, lines);
    const valuesOf = (name: string) => seen.filter(([one]) => one === name).map(([, value]) => value);
    expect(valuesOf("authorization").join(", ")).toBe("one, two");
    expect(valuesOf("x-many").join(", ")).toBe("1, 2");
    expect(valuesOf("cookie").join("; ")).toBe("a=1; b=2");
    expect(origin.handshakes).toHaveLength(1);
  });

  it.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND"])(
    "has its method: %s",
    async (method) => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(pki.outbound());
      for (const body of method === "HEAD" ? [""] : ["", "body"]) {
        expect((await egress.ask(`${origin.url}/`, { method, body })).status).toBe(200);
      }
      expect(new Set(origin.requests.map(({ request: seen }) => seen.method))).toEqual(new Set([method]));
    },
  );
});

describe.each(PROTOCOLS)("an answer over %s", (protocol) => {
  async function ask(respond: Origin["onRequest"], method = "GET") {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    origin.onRequest = respond;
    return await egress.ask(`${origin.url}/`, { method });
  }

  it("keeps each of its cookies, and other headers", async () => {
    const { headers } = await ask((_, response) => {
      response.setHeader("set-cookie", ["a=1; Path=/", "b=2, 3", "c=4"]);
      response.setHeader("vary", ["accept", "origin"]);
      response.end();
    });
    expect(headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2, 3", "c=4"]);
    expect(headers.vary).toBe("accept, origin");
  });

  it("gets no headers of the worker's connection, which stays open", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers = [];
    for (const path of ["/a", "/b"]) {
      const sent = egress.open(`${origin.url}${path}`, { agent });
      const { headers } = await readAnswer(sent);
      answers.push([sent.reusedSocket, "connection" in headers, "keep-alive" in headers]);
    }
    agent.destroy();
    expect(answers).toEqual([
      [false, false, false],
      [true, false, false],
    ]);
  });

  it("loses what would be taken for ours", async () => {
    const { headers, failure, status } = await ask((_, response) => {
      for (const name of [
        "sallyport-egress-failure",
        "SALLYPORT_EGRESS_FAILURE",
        "Sallyport-Request-Id",
        "sallyport_x",
      ]) {
        response.setHeader(name, "origin_unreachable");
      }
      response.end();
    });
    expect([status, failure]).toEqual([200, undefined]);
    expect(Object.keys(headers).filter((name) => /sallyport/i.test(name))).toEqual([]);
  });

  it.each([301, 302, 303, 307, 308])("that redirects (%i) is handed back, not followed", async (status) => {
    await using elsewhere = await startOrigin(pki, { protocol });
    const answer = await ask((_, response) =>
      response.writeHead(status, { location: `${elsewhere.url}/` }).end("moved"),
    );
    expect([answer.status, answer.headers.location, answer.text]).toEqual([status, `${elsewhere.url}/`, "moved"]);
    expect(elsewhere.handshakes).toEqual([]);
  });

  it.each([400, 401, 421, 429, 500, 503, 522, 599])("that fails with %i is the origin's own", async (status) => {
    const answer = await ask((_, response) => response.writeHead(status, { "retry-after": "1" }).end("why"));
    expect(answer).toMatchObject({ status, text: "why", failure: undefined });
  });

  it("to HEAD has the length of what it leaves out", async () => {
    const answer = await ask((_, response) => response.writeHead(200, { "content-length": "1000" }).end(), "HEAD");
    expect([answer.status, answer.headers["content-length"], answer.text]).toEqual([200, "1000", ""]);
  });

  it.each([204, 304])("of %i has no body and no chunks", async (status) => {
    const { headers, ...answer } = await ask((_, response) => response.writeHead(status, { etag: '"1"' }).end());
    expect([answer.status, answer.text, headers.etag]).toEqual([status, "", '"1"']);
    expect(headers).not.toHaveProperty("transfer-encoding");
  });
});

describe("an HTTP/1.1 answer", () => {
  async function askRaw(bytes: string) {
    await using origin = await startAnsweringOrigin(pki, (socket) => socket.end(bytes, "latin1"));
    await using egress = await startTestEgress(pki.outbound());
    return await egress.ask(`${origin.url}/`);
  }

  it("loses what its Connection header names, but never its length", async () => {
    const named = "Connection: x-named, Content-Length\r\nconnection: X-Other\r\n";
    const lines = `${named}x-named: 1\r\nX-OTHER: 2\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\nx-kept: 3\r\n`;
    const { headers, text } = await askRaw(`HTTP/1.1 200 OK\r\n${lines}content-length: 2\r\n\r\nok`);
    expect(text).toBe("ok");
    expect(headers).toMatchObject({ "x-kept": "3", "content-length": "2" });
    expect(headers).not.toMatchObject({ "keep-alive": "timeout=5" });
    for (const name of ["x-named", "x-other", "proxy-connection"]) expect(headers).not.toHaveProperty(name);
  });

  it.each([
    ["a reason that is no text", "HTTP/1.1 200 \x01\r\ncontent-length: 2\r\n\r\nok"],
    ["a value of other bytes", "HTTP/1.1 200 OK\r\nx: \xff\xfe\r\ncontent-length: 2\r\n\r\nok"],
    ["bare line feeds", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok"],
    ["a folded header", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok"],
    ["a status that is none", "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nok"],
  ])("with %s is either passed on or a failure, and the next one comes", async (_, bytes) => {
    const { failure, text } = await askRaw(bytes);
    if (failure === undefined) expect(text).toBe("ok");
    else expect(failure.code).toBe("origin_unreachable");
  });
});

it("an origin that does not answer is told as that, whatever a worker's headers say", async () => {
  await using origin = await startOrigin(pki);
  await using egress = await startTestEgress(pki.outbound());
  origin.onRequest = (_, response) => response.socket?.destroy();
  const answer = await egress.ask(`${origin.url}/`, { headers: { "sallyport-egress-failure": "forged" } });
  expect(answer.failure?.code).toBe("origin_unreachable");
  await until(() => origin.connections.size === 0);
});
