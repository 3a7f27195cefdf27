/**
 * An attacker says to be somebody else, by the header of a load balancer, or holds the edge up with one. Behind each stands
 * the load balancer's genuine header, which is taken.
 */
import { afterEach, describe, expect, it } from "vitest";
import { ask } from "../edge/harness/client.ts";
import { HOST, startTestEdge, type TestEdge, type TestEdgeOptions } from "../edge/harness/edge.ts";
import { SEGMENTS, type Segments, startLoadBalancer } from "../edge/harness/load-balancer.ts";
import { packAddress, version1, version2, version2Header, version2Local } from "../edge/harness/proxy-headers.ts";
import { openTcp, recordClientHello } from "../edge/harness/raw-handshake.ts";
import { until } from "../edge/harness/until.ts";

const CLIENT = "203.0.113.7";
const VICTIM = "198.51.100.1";
const HERE = ["127.0.0.0/8", "::1/128"];

let edge: TestEdge;
afterEach(() => edge[Symbol.asyncDispose]());

async function start(options: TestEdgeOptions = {}): Promise<void> {
  edge = await startTestEdge({ proxyProtocolFrom: HERE, ...options });
}

/** As whom a client is served that comes with this header */
async function served(header: Buffer, segments?: Segments): Promise<string | undefined> {
  await using balancer = await startLoadBalancer(edge, header, segments);
  const answer = await ask(balancer.edge);
  return answer.seen().headers["true-client-ip"];
}

/** Sends bytes, waits for the edge to close, and gives the one line of the log about it. */
async function refused(bytes: Buffer) {
  const { socket, received } = await openTcp(edge);
  socket.write(bytes);
  await until(() => socket.closed);
  expect(received().length, "bytes in answer").toBe(0);
  const [failed, ...others] = await edge.waitForLog("handshake_failed");
  expect(others).toEqual([]);
  return failed;
}

async function expectControl(): Promise<void> {
  expect(edge.upstream.requests).toEqual([]);
  expect(await served(version2(CLIENT))).toBe(CLIENT);
}

describe("a peer that is no load balancer", () => {
  it("is closed whatever it sends, and a thousand times are one line in the log and a number", async () => {
    await start({ proxyProtocolFrom: ["10.0.0.0/8", "::1"] });
    const hello = await recordClientHello({ servername: HOST });
    for (const bytes of [version1(VICTIM), version2(VICTIM), version2Local, hello, Buffer.from("PROXY UNKNOWN\r\n")]) {
      const { socket, received } = await openTcp(edge);
      socket.write(Buffer.concat([bytes, hello]));
      await until(() => socket.closed);
      expect(received().length).toBe(0);
    }
    await expect(served(version2(VICTIM))).rejects.toThrow();
    expect(edge.upstream.requests).toEqual([]);
    expect(edge.logEvents("peer_refused")).toMatchObject([{ client: "127.0.0.1" }]);
    expect(edge.logEvents("handshake_failed")).toEqual([]);
    expect(await edge.metrics.print()).toContain('{verdict="",reason="PROXY_PEER_REFUSED"} 6');
  });

  it("ends no unfinished handshake of others by its number", async () => {
    await start({ proxyProtocolFrom: ["127.0.0.1"], limits: { handshakesMax: 1 } });
    const half = await openTcp(edge);
    half.socket.write("PROXY ");
    for (let sent = 0; sent < 3; sent++) {
      const { socket } = await openTcp(edge, "127.0.0.2");
      await until(() => socket.closed);
    }
    expect(half.socket.closed).toBe(false);
    half.socket.destroy();
    await expectControl();
  });
});

describe("a client that gets its own header through", () => {
  it.each([
    ["version 1 after version 1", version1(CLIENT), version1(VICTIM)],
    ["version 2 after version 1", version1(CLIENT), version2(VICTIM)],
    ["version 1 after version 2", version2(CLIENT), version1(VICTIM)],
    ["version 2 after LOCAL", version2Local, version2(VICTIM)],
  ])("%s: the second header is a broken TLS handshake", async (_, first, second) => {
    await start();
    for (const segments of Object.values(SEGMENTS)) {
      await expect(served(Buffer.concat([first, second]), segments)).rejects.toThrow();
    }
    const failed = await edge.waitForLog("handshake_failed", Object.keys(SEGMENTS).length);
    for (const { client, code } of failed) {
      expect([client, code]).toEqual([
        first === version2Local ? "127.0.0.1" : CLIENT,
        expect.stringMatching(/^ERR_SSL_/),
      ]);
    }
    await expectControl();
  });

  it("a load balancer that sends none: the connection is closed, and not taken for the load balancer's", async () => {
    await start();
    const hello = await recordClientHello({ servername: HOST });
    expect(await refused(hello)).toMatchObject({ code: "PROXY_HEADER_INVALID", client: "127.0.0.1" });
    await expectControl();
  });
});

const line = (text: string) => Buffer.from(text, "latin1");
const v4 = Buffer.concat([packAddress(VICTIM), packAddress(VICTIM), Buffer.from([0, 1, 0, 2])]);

describe("a header that is none", () => {
  it.each([
    ["a line without an end", line(`PROXY UNKNOWN ${"x".repeat(200)}`)],
    ["a line of 108 bytes", line(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`)],
    ["a line that ends in LF alone", line(`PROXY TCP4 ${VICTIM} ${VICTIM} 1 2\n`)],
    ["a list of addresses", line(`PROXY TCP4 ${VICTIM},${CLIENT} ${VICTIM} 1 2\r\n`)],
    ["a header line of HTTP in an address", line(`PROXY TCP4 ${VICTIM}\r\nX: y ${VICTIM} 1 2\r\n`)],
    ["an octal address", line(`PROXY TCP4 0${VICTIM} ${VICTIM} 1 2\r\n`)],
    ["an address of the other family", line(`PROXY TCP6 ${VICTIM} ${VICTIM} 1 2\r\n`)],
    ["a destination of the other family", line(`PROXY TCP4 ${VICTIM} ::1 1 2\r\n`)],
    ["no destination", line(`PROXY TCP4 ${VICTIM} : 1 2\r\n`)],
    ["an address with an interface", line("PROXY TCP6 fe80::1%eth0 fe80::1 1 2\r\n")],
    ["a port above 65535", line(`PROXY TCP4 ${VICTIM} ${VICTIM} 1 65536\r\n`)],
    ["two spaces", line(`PROXY  TCP4 ${VICTIM} ${VICTIM} 1 2\r\n`)],
    ["small letters", line(`proxy TCP4 ${VICTIM} ${VICTIM} 1 2\r\n`)],
    ["a length of 65535", version2Header({ addresses: v4, length: 65_535 })],
    ["a length of 4081, one byte above all", version2Header({ addresses: v4, length: 4_081 })],
    ["a length below the addresses'", version2Header({ addresses: v4, length: 11 })],
    ["IPv6 with the length of IPv4", version2Header({ family: 0x21, addresses: v4 })],
    ["version 3", version2Header({ command: 0x31, addresses: v4 })],
    ["a command that there is not", version2Header({ command: 0x22, addresses: v4 })],
    ["UDP", version2Header({ family: 0x12, addresses: v4 })],
    ["a Unix socket", version2Header({ family: 0x31, addresses: Buffer.alloc(216) })],
  ])("%s: the connection is closed", async (_, header) => {
    await start();
    const failed = await refused(Buffer.concat([header, await recordClientHello({ servername: HOST })]));
    expect(failed).toMatchObject({ code: "PROXY_HEADER_INVALID", client: "127.0.0.1" });
    expect(JSON.stringify(failed)).not.toContain(VICTIM);
    await expectControl();
  });

  it("a length that ends within the extensions leaves the rest to TLS, which it breaks", async () => {
    await start();
    const extensions = Buffer.from([0x04, 0x00, 0x03, 1, 2, 3]);
    const header = version2Header({ addresses: v4, extensions, length: v4.length + 2 });
    await expect(served(header)).rejects.toThrow();
    expect(await edge.waitForLog("handshake_failed")).toMatchObject([{ code: expect.stringMatching(/^ERR_SSL_/) }]);
    await expectControl();
  });

  it("a length that reaches into the ClientHello takes that as extensions, and TLS never begins", async () => {
    await start({ limits: { handshakeTimeoutMs: 500 } });
    const header = version2Header({ addresses: v4, length: v4.length + 20 });
    await expect(served(header)).rejects.toThrow();
    await edge.waitForLog("handshake_failed");
    await expectControl();
  });
});

describe("a header that takes its time", () => {
  it.each([
    ["version 1", version1(CLIENT)],
    ["version 2", version2(CLIENT)],
  ])("of %s, a byte at a time: the connection ends with the time for handshakes", async (_, header) => {
    await start({ limits: { handshakeTimeoutMs: 300 } });
    const { socket } = await openTcp(edge);
    let sent = 0;
    // Never the last byte, however slow this machine is
    const drip = setInterval(() => socket.write(header.subarray(sent, ++sent)), 20);
    await until(() => socket.closed || sent === header.length - 1);
    clearInterval(drip);
    await until(() => socket.closed);
    const failed = await edge.waitForLog("handshake_failed");
    expect(failed).toMatchObject([{ code: "PROXY_HEADER_TIMEOUT", client: "127.0.0.1" }]);
    await expectControl();
  });

  it("that ends in its middle is told in the log", async () => {
    await start();
    const { socket } = await openTcp(edge);
    socket.end(version2(CLIENT).subarray(0, 20));
    expect(await edge.waitForLog("handshake_failed")).toMatchObject([{ code: "PROXY_HEADER_INCOMPLETE" }]);
    await expectControl();
  });

  it("does not end the process with a reset", async () => {
    await start();
    const { socket } = await openTcp(edge);
    await new Promise((resolve) => socket.write("PROXY TCP4", resolve));
    socket.resetAndDestroy();
    expect(await edge.waitForLog("handshake_failed")).toMatchObject([{ code: "PROXY_HEADER_INCOMPLETE" }]);
    await expectControl();
  });
});
