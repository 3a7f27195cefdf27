/** A WebSocket from a worker through the egress and a real proxy to a server behind it. */
import { once } from "node:events";
import { type CloseEvent, type MessageEvent, WebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestEgress, type TestEgress } from "../egress/harness/egress.ts";
import { createTestPki, type TestPki, upload } from "../egress/harness/pki.ts";
import { startApache } from "./origins/apache.ts";
import { startHaproxy } from "./origins/haproxy.ts";
import { startNginx } from "./origins/nginx.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

let pki: TestPki;
let egress: TestEgress;
let upstream: Upstream;
beforeAll(async () => {
  pki = await createTestPki();
  const stranger = await pki.originCa.issue({ subject: "CN=stranger" });
  egress = await startTestEgress(pki.outbound({ gateway: upload(pki.gateway), stranger: upload(stranger) }));
  upstream = await startUpstream();
});
afterAll(async () => {
  await egress[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function open(target: string, certificate = "gateway"): WebSocket {
  const headers = egress.headers(target, { certificate });
  const socket = new WebSocket(egress.url.replace("http:", "ws:"), { headers });
  socket.binaryType = "arraybuffer";
  return socket;
}

const CASES = [
  { name: "nginx", start: startNginx, http2: false },
  { name: "nginx that prefers HTTP/2", start: startNginx, http2: true },
  { name: "haproxy", start: startHaproxy, http2: false },
  { name: "haproxy that prefers HTTP/2", start: startHaproxy, http2: true },
];

describe.each(CASES)("$name", ({ start, http2 }) => {
  const origin = () => {
    const clientRoot = pki.clientCa.certificatePem;
    return start({ tls: "1.3", http2, server: pki.server, clientRoot, upstream: upstream.address });
  };

  it("carries messages both ways, a large one too, and the close code", async () => {
    await using proxy = await origin();
    const socket = open(`${proxy.url}/upstream/chat`);
    await once(socket, "open");
    for (const message of ["hello", "x".repeat(1_000_000)]) {
      const answered = once(socket, "message") as Promise<[MessageEvent]>;
      socket.send(message);
      const [{ data }] = await answered;
      expect(data === message).toBe(true);
    }
    const closed = once(socket, "close") as Promise<[CloseEvent]>;
    socket.send("close 4123 enough");
    expect((await closed)[0]).toMatchObject({ code: 4123, reason: "enough" });
  });

  it("opens none for a certificate that the origin does not accept", async () => {
    await using proxy = await origin();
    const socket = open(`${proxy.url}/upstream/chat`, "stranger");
    const [{ code }] = (await once(socket, "close")) as [CloseEvent];
    expect(code).toBe(1006);
  });
});

it("is refused by an origin that knows nothing of WebSockets, whose answer is passed on", async () => {
  const clientRoot = pki.clientCa.certificatePem;
  await using proxy = await startApache({ tls: "1.3", server: pki.server, clientRoot });
  const socket = open(`${proxy.url}/`);
  const [{ code }] = (await once(socket, "close")) as [CloseEvent];
  expect(code).toBe(1006);
});
