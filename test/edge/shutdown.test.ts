/** The end of an edge, and starts that fail. */
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { ask, connectTls, createKeepAliveAgent } from "./harness/client.ts";
import { HOST, startTestEdge } from "./harness/edge.ts";
import { askHttp2, connectHttp2, readAnswer } from "./harness/http2-client.ts";
import { openTcp } from "./harness/raw-handshake.ts";
import { until } from "./harness/until.ts";
import { openWebSocket } from "./harness/websocket-client.ts";

describe("an edge that ends", () => {
  it("answers what is under way, and says that the connection closes", async () => {
    await using edge = await startTestEdge();
    const finish: (() => void)[] = [];
    edge.upstream.onRequest = (_, response) => finish.push(() => response.end("done"));
    const agent = createKeepAliveAgent();
    const session = await connectHttp2(edge);
    const overHttp1 = ask(edge, { agent });
    const overHttp2 = readAnswer(session.request({ ":authority": HOST, ":path": "/" }));
    await until(() => finish.length === 2);
    const closed = edge.close();
    for (const end of finish) end();
    expect([(await overHttp1).body, (await overHttp2).body]).toEqual(["done", "done"]);
    await closed;
    agent.destroy();
  });

  it("closes idle connections of every kind, those in the middle of a handshake too, and frees the port", async () => {
    await using edge = await startTestEdge({ limits: { handshakeTimeoutMs: 600_000 } });
    const agent = createKeepAliveAgent();
    await ask(edge, { agent });
    const session = await connectHttp2(edge);
    await askHttp2(session);
    const silent = await connectTls(edge);
    const { closed } = await openWebSocket(edge, {});
    const { socket: halfway } = await openTcp(edge);
    await until(() => edge.logEvents("request").length === 2);
    const port = edge.port;
    await edge.close();
    await closed;
    expect([halfway, silent].map((socket) => socket.readyState)).not.toContain("opening");
    const successor = createServer().listen(port, "127.0.0.1");
    await once(successor, "listening");
    successor.close();
    agent.destroy();
    session.destroy();
    // Less than the time that requests under way would have
  }, 8_000);

  it("takes no new connection", async () => {
    await using edge = await startTestEdge();
    await edge.close();
    await expect(ask(edge)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("an edge does not start", () => {
  it("on a port that is in use", async () => {
    await using edge = await startTestEdge();
    await expect(startTestEdge({ port: edge.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("without an Ed25519 private key", async () => {
    await expect(startTestEdge({ signingKey: { kty: "OKP", crv: "Ed25519", x: "AA" } })).rejects.toThrow(TypeError);
  });

  it.each(["https://127.0.0.1:1", "http://127.0.0.1:1/path", "http://me@127.0.0.1:1"])(
    "in front of %s",
    async (url) => {
      await expect(startTestEdge({ upstream: { url } })).rejects.toThrow(TypeError);
    },
  );
});
