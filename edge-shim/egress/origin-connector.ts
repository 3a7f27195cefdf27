/**
 * One TLS connection to an origin, with the client certificate of its pool, and with what undici 8.12 would misread
 * about its end put right before undici hears of it.
 */
import type { Socket } from "node:net";
import { buildConnector } from "undici";
import type { AddressRules } from "./addresses.ts";
import type { PresentableCertificate } from "./certificates.ts";
import { watchHttp2Streams } from "./http2-streams.ts";
import type { EgressLimits } from "./limits.ts";
import { findAlert } from "./tls-alert.ts";

/** The origin went away in the middle of the handshake and did not say why. */
export class HandshakeClosedError extends Error {
  readonly code = "EGRESS_HANDSHAKE_CLOSED";

  constructor(cause: Error) {
    super("the connection was closed before the TLS handshake was over", { cause });
    this.name = "HandshakeClosedError";
  }
}

export interface OriginConnectorOptions {
  certificate: PresentableCertificate;
  addresses: AddressRules;
  limits: EgressLimits;
  /** For WebSockets, which undici begins on HTTP/1.1 connections only */
  isHttp1Only: boolean;
  /** The origin ended a connection with a TLS alert, during the handshake or later */
  onAlert: (error: Error) => void;
}

/** `callback` is never called before this returns: undici would dive into itself, once for each request that waits. */
export type OriginConnector = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => Socket | undefined;

export function createOriginConnector(options: OriginConnectorOptions): OriginConnector {
  const { certificate, addresses, limits, isHttp1Only, onAlert } = options;
  const connectTls = buildConnector({
    secureContext: certificate.secureContext(),
    rejectUnauthorized: true,
    maxCachedSessions: 0,
    timeout: limits.connectTimeoutMs,
    lookup: addresses.lookup,
    allowH2: !isHttp1Only,
  });

  return function connectOrigin(target, callback) {
    try {
      addresses.check(target.hostname);
    } catch (error) {
      queueMicrotask(() => callback(error as Error, null));
      return undefined;
    }
    const socket = connectTls(target, (error, connected) => {
      if (error) return callback(asHandshakeError(error), null);
      watchHttp2Streams(connected);
      const listeners = connected.listeners("end");
      callback(null, connected);
      if (isHttp2(connected)) keepWhatCameBeforeTheEnd(connected, listeners);
    }) as unknown as Socket;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (findAlert(error) !== undefined) onAlert(error);
      // After an answer that ends with its connection undici takes a reset for that end: half an answer for a whole one.
      if (error.code === "ECONNRESET") error.code = CONNECTION_RESET;
      // Under HTTP/2 nobody else does it: undici would go on writing to the dead session for ever.
      socket.destroy();
    });
    return socket;
  };
}

function isHttp2(socket: Socket): boolean {
  return (socket as Socket & { alpnProtocol?: unknown }).alpnProtocol === "h2";
}

/**
 * nginx closes an HTTP/2 connection right behind the last answer on it (after 1,000 requests, unless told otherwise), and
 * undici 8.12 to 8.13 throws that answer away when it sees the end before the answer was read. Node's session ends by
 * itself, after what came, and says which streams were cut.
 *
 * @param known the listeners before undici had the connection
 */
function keepWhatCameBeforeTheEnd(socket: Socket, known: readonly unknown[]): void {
  for (const listener of socket.listeners("end")) {
    if (!known.includes(listener)) socket.off("end", listener as () => void);
  }
}

/** Instead of `ECONNRESET`, for connections that were open */
const CONNECTION_RESET = "EGRESS_CONNECTION_RESET";

const CLOSED_CODES: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", CONNECTION_RESET]);

/** A reset says the same in every phase: here it is still known which one it was. */
function asHandshakeError(error: NodeJS.ErrnoException): Error {
  const isClosed = error.syscall !== "connect" && CLOSED_CODES.has(error.code ?? "") && findAlert(error) === undefined;
  return isClosed ? new HandshakeClosedError(error) : error;
}
