/**
 * Connections that come through an L4 load balancer: each begins with a PROXY header, ahead of TLS, that names its client.
 *
 * The attack: whoever may send such a header may be any client in log, `True-Client-IP` and assertion. So the networks of
 * the load balancers are named, everybody else is closed without a byte being read, and a load balancer's connection
 * without a header is closed as well: taking it as it is would put the load balancer's address in the client's place.
 * (proxy-protocol.txt, section 2: "MUST not try to guess whether the protocol header is present or not".)
 *
 * A load balancer that looks whether the port is open, by a connection without a byte or with a header of its own and
 * nothing behind it, is no failure and not in the log.
 */
import type { BlockList, Server, Socket } from "node:net";
import { isInNetworks } from "../networks.ts";
import { readClientAddress, setClientAddress } from "./client-address.ts";
import type { Clients } from "./clients.ts";
import { type ProxyHeader, parseProxyHeader } from "./proxy-protocol.ts";
import type { RequestLog } from "./request-log.ts";

export interface ProxiedConnectionsOptions {
  /** Load balancers */
  allowedPeers: BlockList;
  clients: Clients;
  /** From TCP connection to finished TLS handshake, header included */
  handshakeTimeoutMs: number;
  log: Pick<RequestLog, "handshakeFailed" | "peerRefused">;
}

type FailureCode = "PROXY_HEADER_INVALID" | "PROXY_HEADER_INCOMPLETE" | "PROXY_HEADER_TIMEOUT";

const healthCheckBytes = Symbol("bytes of a header that names no client");
type HealthCheckSocket = Socket & { [healthCheckBytes]?: number };

/**
 * Puts itself in front of `server`'s own listeners for connections, which see one when its header is read. To be called
 * before anybody else listens.
 */
export function expectProxyHeaders(server: Server, options: ProxiedConnectionsOptions): void {
  const { allowedPeers, clients, log } = options;
  const startTls = server.listeners("connection");
  // One server and not two: it counts its connections, and Node's HTTP/1.1 time-outs begin when it listens.
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const peer = readClientAddress(socket);
    if (!isInNetworks(allowedPeers, peer)) {
      socket.destroy();
      log.peerRefused(peer);
      return;
    }
    clients.add(socket);
    readHeader(socket, options, () => {
      for (const listener of startTls) listener.call(server, socket);
    });
  });
}

/** Whether a connection that failed was a load balancer's own, without a byte of TLS. @param socket may be closed */
export function isHealthCheck(socket: Socket): boolean {
  return socket.bytesRead === (socket as HealthCheckSocket)[healthCheckBytes];
}

function readHeader(socket: Socket, options: ProxiedConnectionsOptions, onHeader: () => void): void {
  const { log, clients, handshakeTimeoutMs } = options;
  const peer = readClientAddress(socket);
  let received: Buffer = Buffer.alloc(0);
  let isReading = true;
  const stopReading = () => {
    isReading = false;
    received = Buffer.alloc(0);
    socket.off("readable", onReadable).off("close", onClose);
  };
  const fail = (code: FailureCode, reason: string) => {
    stopReading();
    socket.destroy();
    log.handshakeFailed(peer, "", Object.assign(new Error(reason), { code }));
  };
  function onReadable(): void {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      received = Buffer.concat([received, chunk]);
    }
    const header = parseProxyHeader(received);
    if (header.state === "invalid") fail("PROXY_HEADER_INVALID", header.reason);
    if (header.state !== "complete") return;
    const rest = received.subarray(header.length);
    stopReading();
    handOver(socket, header, rest);
    onHeader();
  }
  function onClose(): void {
    if (received.length > 0) fail("PROXY_HEADER_INCOMPLETE", "the connection ended within its PROXY header");
  }
  // TLS has a time limit of its own, which begins anew after the header.
  const limit = setTimeout(() => {
    if (isReading) fail("PROXY_HEADER_TIMEOUT", "no PROXY header came in time");
    else if (clients.isHandshaking(socket)) socket.destroy();
  }, handshakeTimeoutMs);
  socket.once("close", () => clearTimeout(limit));
  // Until TLS begins nobody else hears of a reset.
  socket.on("error", () => {});
  socket.on("readable", onReadable).on("close", onClose);
}

function handOver(socket: Socket, { length, source }: ProxyHeader & { state: "complete" }, rest: Buffer): void {
  // In version 1 haproxy's health checks name haproxy itself.
  if (source === undefined || source === readClientAddress(socket)) {
    (socket as HealthCheckSocket)[healthCheckBytes] = length;
  }
  if (source !== undefined) setClientAddress(socket, source);
  // Node gives TLS what was not read before anything that comes later.
  if (rest.length > 0) socket.unshift(rest);
}
