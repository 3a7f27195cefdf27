/** HTTP/1.1 through the edge: bodies and headers, both ways. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, createKeepAliveAgent, sendRaw, tlsOptions } from "./harness/client.ts";
import { createWorkFolder, curl } from "./harness/command.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { until } from "./harness/until.ts";
import { readText } from "./harness/upstream.ts";

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

describe("a request", () => {
  it.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])(
    "%s with a body arrives whole",
    async (method) => {
      const headers = { "content-length": Buffer.byteLength("hällo") };
      const answer = await ask(edge, { method, path: "/a%20b?c=%2F", headers, body: "hällo" });
      expect(answer.seen()).toMatchObject({ method, url: "/a%20b?c=%2F", body: "hällo" });
    },
  );

  it("with Content-Length keeps it, chunked stays chunked where the end is not known at once", async () => {
    const fixed = await ask(edge, { method: "POST", headers: { "content-length": 5 }, body: "12345" });
    expect(fixed.seen().headers).toMatchObject({ "content-length": "5" });
    const upload = open({ method: "POST", headers: { host: HOST, "transfer-encoding": "chunked" } });
    upload.write("123");
    await until(() => edge.upstream.requests.length === 2);
    upload.end("45");
    const [response] = await once(upload, "response");
    expect(JSON.parse(await readText(response))).toMatchObject({
      body: "12345",
      headers: { "transfer-encoding": "chunked" },
    });
  });

  it.each(["0", "00"])("with Content-Length %s has no body", async (length) => {
    const answer = await sendRaw(
      edge,
      `POST / HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200[\s\S]*"body":""/);
  });

  it("of 20 MiB arrives byte for byte", async () => {
    const body = randomBytes(20 * MIB);
    const received: Buffer[] = [];
    edge.upstream.onRequest = async (request, response) => {
      for await (const chunk of request) received.push(chunk);
      response.end();
    };
    await ask(edge, { method: "POST", body });
    expect(Buffer.concat(received).equals(body)).toBe(true);
  });

  it("whose body the worker reads slowly is not taken in faster", async () => {
    edge.upstream.onRequest = () => {};
    const upload = open({ method: "POST" });
    let accepted = 0;
    const chunk = Buffer.alloc(256 * 1024);
    const pump = () =>
      upload.write(chunk, (error) => {
        if (error) return;
        accepted += chunk.length;
        if (accepted < 200 * MIB) pump();
      });
    pump();
    const isStalled = async () => {
      const before = accepted;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return accepted === before && edge.upstream.requests.length > 0;
    };
    while (!(await isStalled()));
    expect(accepted).toBeLessThan(32 * MIB);
    upload.destroy();
  });

  it("with Expect: 100-continue is asked for its body, once it is let in", async () => {
    const upload = open({ method: "POST", headers: { host: HOST, expect: "100-continue" } });
    upload.flushHeaders();
    await once(upload, "continue");
    upload.end("body");
    const [response] = await once(upload, "response");
    expect(JSON.parse(await readText(response))).toMatchObject({ body: "body" });
    expect(edge.upstream.requests[0]?.headers).not.toHaveProperty("expect");
  });

  it("with Expect: 100-continue is refused without its body", async () => {
    const upload = open({ method: "POST", headers: { host: "b.test", expect: "100-continue" } });
    upload.on("continue", () => upload.destroy(new Error("was asked for the body")));
    upload.flushHeaders();
    const [response] = await once(upload, "response");
    expect(response.statusCode).toBe(421);
    upload.destroy();
  });
});

describe("a response", () => {
  it("keeps status, reason, order, case and duplicates of its headers", async () => {
    const headers = [
      "X-B",
      "1",
      "x-a",
      "2",
      "Set-Cookie",
      "a=1",
      "set-cookie",
      "b=2",
      "X-Text",
      Buffer.from("ü").toString("latin1"),
    ];
    edge.upstream.onRequest = (_, response) => {
      response
        .writeHead(299, "Odd Reason", [...headers, "Connection", "close", "Keep-Alive", "timeout=99"])
        .end("body");
    };
    const answer = await sendRaw(edge, get("/"));
    expect(answer).toMatch(
      /^HTTP\/1.1 299 Odd Reason\r\nX-B: 1\r\nx-a: 2\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Text: Ã¼\r\n/,
    );
    expect(answer).not.toContain("timeout=99");
  });

  it("to HEAD has its headers and no body", async () => {
    edge.upstream.onRequest = (_, response) => void response.writeHead(200, { "content-length": 1234 }).end();
    const agent = createKeepAliveAgent();
    const answer = await ask(edge, { method: "HEAD", agent });
    expect([answer.status, answer.headers["content-length"], answer.body]).toEqual([200, "1234", ""]);
    expect((await ask(edge, { method: "HEAD", agent })).status).toBe(200);
    agent.destroy();
  });

  it.each([204, 304])("of status %i has no body and leaves the connection usable", async (status) => {
    edge.upstream.onRequest = (_, response) => void response.writeHead(status, { etag: '"x"' }).end();
    const agent = createKeepAliveAgent();
    for (let request = 0; request < 2; request++) {
      const answer = await ask(edge, { agent });
      expect([answer.status, answer.headers.etag, answer.body]).toEqual([status, '"x"', ""]);
    }
    agent.destroy();
  });

  it("with trailers has them at its end", async () => {
    edge.upstream.onRequest = (_, response) => {
      response.writeHead(200, { trailer: "x-checksum" });
      response.write("body");
      response.addTrailers({ "x-checksum": "abc" });
      response.end();
    };
    const [response] = (await once(open({}).end(), "response")) as [IncomingMessage];
    expect(await readText(response)).toBe("body");
    expect(response.trailers).toEqual({ "x-checksum": "abc" });
  });

  it("is preceded by its early hints, and by no other 1xx", async () => {
    edge.upstream.onRequest = (_, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: ["</a.css>; rel=preload", "</b.css>; rel=preload"], "x-hint": "1" });
      response.end("done");
    };
    const request = open({}).end();
    const informations: { statusCode: number; headers: unknown }[] = [];
    request.on("information", ({ statusCode, headers }) => informations.push({ statusCode, headers }));
    const [response] = await once(request, "response");
    expect(await readText(response)).toBe("done");
    expect(informations).toEqual([
      { statusCode: 103, headers: { link: "</a.css>; rel=preload, </b.css>; rel=preload", "x-hint": "1" } },
    ]);
  });

  it("with early hints that no client could read arrives all the same", async () => {
    edge.upstream.onRequest = (_, response) => {
      response.socket?.write("HTTP/1.1 103 Early Hints\r\nlink: nonsense\r\n\r\n");
      response.end("done");
    };
    expect((await ask(edge)).body).toBe("done");
  });

  it("of 20 MiB that the client reads slowly is not taken in faster", async () => {
    let sent = 0;
    edge.upstream.onRequest = (_, response) => {
      const chunk = Buffer.alloc(256 * 1024);
      const pump = () => {
        if (sent >= 200 * MIB) return void response.end();
        sent += chunk.length;
        response.write(chunk, (error) => error ?? pump());
      };
      pump();
    };
    const request = open({}).end();
    const [response] = await once(request, "response");
    response.pause();
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(sent).toBeLessThan(32 * MIB);
    request.destroy();
  });

  it("over curl is the same", async () => {
    await using folder = await createWorkFolder();
    const body = await folder.write("body", "x".repeat(100_000));
    const { stdout } = await curl(edge, folder, [
      "--http1.1",
      "--data-binary",
      `@${body}`,
      "--output",
      folder.path("answer"),
      "--write-out",
      "%{http_code} %{http_version}",
    ]);
    expect(stdout).toBe("200 1.1");
    expect(JSON.parse(await readFile(folder.path("answer"), "utf8")).body).toHaveLength(100_000);
  });
});
