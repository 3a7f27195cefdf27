/** The edge behind an L4 load balancer that sends PROXY headers: whose connection it is, in every place that says so. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { ask, sendRaw } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge, type TestEdgeOptions } from "./harness/edge.ts";
import { askHttp2, connectHttp2 } from "./harness/http2-client.ts";
import { SEGMENTS, startLoadBalancer } from "./harness/load-balancer.ts";
import { version1, version2, version2Local } from "./harness/proxy-headers.ts";
import { openTcp } from "./harness/raw-handshake.ts";
import { until } from "./harness/until.ts";

const CLIENT = "203.0.113.7";
/** An authority and a checksum that nobody checks, 300 bytes of a name */
const EXTENSIONS = Buffer.concat([Buffer.from([0x02, 0x01, 0x2c]), Buffer.alloc(300, "n")]);
const LOOPBACK = ["127.0.0.0/8"];

let edge: TestEdge;
afterEach(() => edge[Symbol.asyncDispose]());

async function behind(options: TestEdgeOptions = {}): Promise<TestEdge> {
  edge = await startTestEdge({ proxyProtocolFrom: LOOPBACK, ...options });
  return edge;
}

/** What log, headers and assertion say of the one request that came with `header`. */
async function namesOf(header: Buffer): Promise<unknown[]> {
  await using balancer = await startLoadBalancer(await behind(), header);
  const { headers } = (await ask(balancer.edge, { headers: { "true-client-ip": "6.6.6.6" } })).seen();
  const [logged] = await edge.waitForLog("request");
  const { client } = await edge.readAssertion(headers);
  return [headers["true-client-ip"], headers["x-forwarded-for"], client.address, logged?.client];
}

const VERSIONS = [
  ["version 1", version1(CLIENT)],
  ["version 2", version2(CLIENT)],
  ["version 2 with extensions", version2(CLIENT, EXTENSIONS)],
] as const;

describe.each(VERSIONS)("a header of %s", (_version, header) => {
  it.each(Object.entries(SEGMENTS))("that comes %s names the client over HTTP/1.1 and HTTP/2", async (_, segments) => {
    await using balancer = await startLoadBalancer(await behind(), header, segments);
    const body = "x".repeat(100_000);
    const answer = (await ask(balancer.edge, { method: "POST", body })).seen();
    expect([answer.headers["true-client-ip"], answer.body]).toEqual([CLIENT, body]);
    const session = await connectHttp2(balancer.edge);
    const answers = await Promise.all([1, 2, 3].map(() => askHttp2(session, { ":method": "POST" }, body)));
    for (const one of answers) {
      expect([one.seen().headers["true-client-ip"], one.seen().body]).toEqual([CLIENT, body]);
    }
    session.destroy();
  });
});

describe("the address in log, True-Client-IP, X-Forwarded-For and assertion", () => {
  it.each([
    ["the client's, in version 1", version1(CLIENT), CLIENT],
    ["the client's, in version 2", version2(CLIENT), CLIENT],
    ["an IPv6 client's, written as RFC 5952 says", version1("2001:DB8:0:0:0:0:0:7"), "2001:db8::7"],
    ["the same in version 2", version2("2001:db8:0:0:0:0:0:7"), "2001:db8::7"],
    ["an IPv4 client's of an IPv6 load balancer", version1(`::ffff:${CLIENT}`), CLIENT],
    ["the load balancer's, where it speaks for itself", version2Local, "127.0.0.1"],
    ["the load balancer's, where it does not know", Buffer.from("PROXY UNKNOWN\r\n"), "127.0.0.1"],
  ])("is %s", async (_what, header, address) => {
    expect(await namesOf(header)).toEqual([address, address, address, address]);
  });

  it("is the client's in the log of a TLS handshake that failed", async () => {
    const { socket } = await openTcp(await behind());
    socket.write(Buffer.concat([version2(CLIENT), Buffer.from("no TLS")]));
    expect(await edge.waitForLog("handshake_failed")).toMatchObject([{ client: CLIENT }]);
  });
});

describe("a load balancer that looks whether the port is open", () => {
  const PROBES: [string, Buffer][] = [
    ["without a byte", Buffer.alloc(0)],
    ["with LOCAL", version2Local],
    ["with UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n")],
    ["with its own address", version1("127.0.0.1")],
  ];

  it.each(PROBES)("%s leaves the log alone, whether it closes or resets", async (_how, header) => {
    await behind();
    for (const end of ["end", "resetAndDestroy"] as const) {
      const { socket } = await openTcp(edge);
      if (header.length > 0) await new Promise((resolve) => socket.write(header, resolve));
      socket[end]();
      await once(socket, "close");
    }
    // What comes later is in the log: so those before would be.
    const { socket } = await openTcp(edge);
    socket.write(Buffer.concat([version2Local, Buffer.from("no TLS")]));
    await edge.waitForLog("handshake_failed");
    expect(edge.logEvents("handshake_failed")).toMatchObject([{ client: "127.0.0.1" }]);
    expect(edge.logEvents("handshake_failed")[0]?.code).toMatch(/^ERR_SSL_/);
  });
});

describe("limits count from the TCP connection on:", () => {
  it("connections without a header, and those without TLS after it, give way to newer ones", async () => {
    await behind({ limits: { handshakesMax: 3 } });
    const silent = await openTcp(edge);
    const half = await openTcp(edge);
    half.socket.write("PROXY TC");
    const headed = await openTcp(edge);
    headed.socket.write(version1(CLIENT));
    await using balancer = await startLoadBalancer(edge, version2(CLIENT));
    expect((await ask(balancer.edge)).status).toBe(200);
    await until(() => silent.socket.closed);
    expect([half.socket.closed, headed.socket.closed]).toEqual([false, false]);
    await openTcp(edge).then(() => openTcp(edge));
    await until(() => half.socket.closed);
    expect(headed.socket.closed).toBe(false);
    expect((await ask(balancer.edge)).status).toBe(200);
  });

  it("connections above the limit are closed as they come", async () => {
    await behind({ limits: { connectionsMax: 1 } });
    const first = await openTcp(edge);
    const second = await openTcp(edge);
    await until(() => second.socket.closed);
    expect(first.socket.closed).toBe(false);
    first.socket.destroy();
  });

  it("a header that was in time does not begin the time for the handshake anew", async () => {
    await behind({ limits: { handshakeTimeoutMs: 1_000 } });
    const { socket } = await openTcp(edge);
    socket.write("PROXY ");
    await delay(100);
    socket.write(version1(CLIENT).subarray("PROXY ".length));
    await until(() => socket.closed);
    // Node's limit, which begins with TLS, would call it ERR_TLS_HANDSHAKE_TIMEOUT.
    const [failed] = await edge.waitForLog("handshake_failed");
    expect(failed).toMatchObject({ client: CLIENT, code: "ECONNRESET" });
  });

  it("a request that is slow is a 408, as without a load balancer", async () => {
    await behind({ limits: { headersTimeoutMs: 200 } });
    await using balancer = await startLoadBalancer(edge, version2(CLIENT));
    expect(await sendRaw(balancer.edge, `GET / HTTP/1.1\r\nhost: ${HOST}\r\n`)).toMatch(/^HTTP\/1\.1 408 /);
    expect(edge.logEvents("request_refused")).toMatchObject([{ client: CLIENT, status: 408 }]);
  });

  it("an edge that closes ends connections that have not sent their header", async () => {
    await behind();
    const { socket } = await openTcp(edge);
    socket.write("PROXY TCP4");
    await edge.close();
    await until(() => socket.closed);
  });
});

it("without the option a header is a broken TLS handshake", async () => {
  edge = await startTestEdge();
  for (const header of [version1(CLIENT), version2(CLIENT)]) {
    await using balancer = await startLoadBalancer(edge, header);
    await expect(ask(balancer.edge)).rejects.toThrow();
  }
  const failed = await edge.waitForLog("handshake_failed", 2);
  for (const { code, client } of failed)
    expect([code, client]).toEqual([expect.stringMatching(/^ERR_SSL_/), "127.0.0.1"]);
  expect(edge.upstream.requests).toEqual([]);
});

it("a network that is none is refused at the start", async () => {
  await expect(startTestEdge({ proxyProtocolFrom: ["10.0.0.0/33"] })).rejects.toThrow('"10.0.0.0/33" is not a network');
  edge = await startTestEdge();
});
