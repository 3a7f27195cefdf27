/** HTTP/1.1 exchanges that end early or break: whoever leaves, the other side is told. */
import { once } from "node:events";
import { IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readBody } from "../../edge-shim/forwarding/request-body.ts";
import { ask, connectTls, createKeepAliveAgent, readToEnd, tlsOptions } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { until } from "./harness/until.ts";
import { readText, reflect } from "./harness/upstream.ts";

const MIB = 1024 * 1024;

let edge: TestEdge;
beforeEach(async () => {
  edge = await startTestEdge();
});
afterEach(() => edge[Symbol.asyncDispose]());

function open(options: RequestOptions) {
  const request = httpsRequest({ ...tlsOptions(edge, {}), headers: { host: HOST }, agent: false, ...options });
  request.on("error", () => {});
  return request;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: ${HOST}\r\nconnection: close\r\n\r\n`;

describe("an answer before the body ended", () => {
  const early = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/early") response.writeHead(403).end("no");
    else void reflect(request, response);
  };

  it("arrives, and the connection serves the next request once the body is through", async () => {
    edge.upstream.onRequest = early;
    const agent = createKeepAliveAgent();
    const upload = open({ method: "POST", path: "/early", agent, headers: { host: HOST, "content-length": 8 * MIB } });
    upload.write(Buffer.alloc(MIB));
    const [response] = await once(upload, "response");
    expect([response.statusCode, await readText(response)]).toEqual([403, "no"]);
    upload.end(Buffer.alloc(7 * MIB));
    expect((await ask(edge, { agent, path: "/next" })).seen().url).toBe("/next");
    agent.destroy();
  });

  it("arrives at a client that sends all before it reads", async () => {
    edge.upstream.onRequest = early;
    const socket = await connectTls(edge);
    socket.write(`POST /early HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${8 * MIB}\r\n\r\n`);
    socket.write(Buffer.alloc(8 * MIB));
    socket.write(get("/next"));
    const text = await readToEnd(socket);
    expect(text).toMatch(/^HTTP\/1.1 403[\s\S]*\r\n\r\n2\r\nno\r\n0\r\n\r\nHTTP\/1.1 200/);
    expect(text).toContain('"url":"/next"');
  });
});

it("a worker that answers early and hangs up leaves the client with an answer, its own or a 503", async () => {
  edge.upstream.onRequest = (_, response) => void response.writeHead(403, { connection: "close" }).end("no");
  for (let request = 0; request < 5; request++) {
    const { status } = await ask(edge, { method: "POST", body: Buffer.alloc(8 * MIB) });
    expect([403, 503]).toContain(status);
  }
});

describe("a client that leaves", () => {
  it("before anybody took its body is no crash", async () => {
    const request = new IncomingMessage(new Socket());
    request.headers = { "content-length": "100" };
    const body = readBody(request, MIB);
    request.emit("aborted");
    await until(() => body?.destroyed);
    await new Promise(setImmediate);
  });

  it("cancels its request at the worker", async () => {
    let cancelled = false;
    edge.upstream.onRequest = (_, response) =>
      response.on("close", () => {
        cancelled = true;
      });
    const request = open({}).end();
    await until(() => edge.upstream.requests.length === 1);
    request.destroy();
    await until(() => cancelled);
    const [event] = await edge.waitForLog("request");
    expect(event).toMatchObject({ incomplete: true, status: 499 });
  });

  it("in the middle of an answer that it does not read cancels that", async () => {
    let cancelled = false;
    edge.upstream.onRequest = (_, response) => {
      response.on("close", () => {
        cancelled = true;
      });
      response.write(Buffer.alloc(32 * MIB));
    };
    const request = open({}).end();
    const [response] = await once(request, "response");
    response.pause();
    await once(response, "readable");
    request.destroy();
    await until(() => cancelled);
  });

  it("in the middle of its body leaves the worker with a broken request, not a short one", async () => {
    let ending = "";
    edge.upstream.onRequest = (request) => {
      request.on("end", () => {
        ending = "complete";
      });
      request.on("error", () => {
        ending = "broken";
      });
      request.resume();
    };
    for (const headers of [
      { host: HOST, "content-length": 100 },
      { host: HOST, "transfer-encoding": "chunked" },
    ]) {
      ending = "";
      const request = open({ method: "POST", headers });
      request.write("half");
      const before = edge.upstream.requests.length;
      await until(() => edge.upstream.requests.length > before);
      request.destroy();
      expect(await until(() => ending !== "" && ending)).toBe("broken");
    }
  });
});

describe("a worker", () => {
  it.each([
    ["with Content-Length", { "content-length": "100" }],
    ["in chunks", { "transfer-encoding": "chunked" }],
  ])("that dies in the middle of an answer %s leaves a broken answer, never a short one", async (_, headers) => {
    edge.upstream.onRequest = (_request, response) => {
      response.writeHead(200, headers);
      response.write("half", () => response.socket?.destroy());
    };
    const [response] = await once(open({}).end(), "response");
    await expect(readText(response)).rejects.toThrow("aborted");
    expect((await edge.waitForLog("request"))[0]).toMatchObject({ status: 200, incomplete: true });
  });

  it.each([
    ["that closes without an answer", (response: ServerResponse) => void response.socket?.destroy()],
    ["that answers nonsense", (response: ServerResponse) => void response.socket?.end("nonsense\r\n\r\n")],
  ])("%s is a 503", async (_, behave) => {
    edge.upstream.onRequest = (_request, response) => behave(response);
    const answer = await ask(edge);
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
    expect(answer.problem()).toMatchObject({ code: "gateway_unavailable", instance: "/" });
  });

  it("that is away is a 503 that says when to come back, and is found again when it is there", async () => {
    await edge.upstream.close();
    const answer = await ask(edge, { path: "/x?secret=1" });
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
    expect(answer.problem()).toMatchObject({
      type: "https://httpproblems.com/http-status/503",
      code: "gateway_unavailable",
      instance: "/x",
      trace: { requestId: answer.headers["sallyport-request-id"], buildId: "sallyport-edge/test" },
    });
    expect(answer.headers["zp-rid"]).toBe(answer.headers["sallyport-request-id"]);
    expect(edge.logEvents("failure")[0]).toMatchObject({ msg: "the worker did not answer" });
  });

  it.each([
    ["a status text beyond Latin-1", "HTTP/1.1 200 naïve → ♥\r\ncontent-length: 2\r\n\r\nok"],
    ["two content types", "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-type: c/d\r\ncontent-length: 2\r\n\r\nok"],
    ["a status that is none", "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok"],
  ])("that answers with %s gets some answer through, and the edge lives", async (_, bytes) => {
    edge.upstream.onRequest = (_request, response) => void response.socket?.end(Buffer.from(bytes));
    const { status } = await ask(edge);
    expect(status).toBeGreaterThanOrEqual(200);
    edge.upstream.onRequest = reflect;
    expect((await ask(edge)).status).toBe(200);
  });
});
