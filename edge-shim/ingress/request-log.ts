/**
 * One event for each request and for each handshake that failed, with what an operator needs to answer "why was this
 * certificate rejected?": verdict, reason, fingerprint, request id. Never a certificate, never a header value.
 */
import type { Logger } from "pino";
import type { IngressConnection } from "./connection.ts";
import type { Verdict } from "./verdict.ts";

export interface RequestRecord {
  requestId: string;
  /** Undefined where nothing is traced */
  traceId: string | undefined;
  method: string;
  /** With the query, which is left out of the log */
  path: string;
  status: number;
  /** As the worker named it; undefined where it did not answer, or found none */
  route: string | undefined;
  durationMs: number;
  connection: IngressConnection;
  /** What the request was let through with; the connection's own may have changed since */
  verdict: Verdict;
  /** False when the client left before the end of the answer, or the worker cut it */
  isComplete: boolean;
  /** Why the edge ended a WebSocket */
  cutReason: string | undefined;
}

/** Bytes that never became a request: too many, too slow, or no HTTP. */
export interface RefusalRecord {
  requestId: string;
  status: number;
  /** The parser's words */
  reason: string;
  connection: IngressConnection;
}

export interface RequestLog {
  request(record: RequestRecord): void;
  requestRefused(record: RefusalRecord): void;
  /** With what the handshake proved; said by the numbers, and in the log with each request */
  handshakeFinished(verdict: Verdict): void;
  handshakeFailed(remoteAddress: string | undefined, servername: string | undefined, error: Error): void;
  /** Somebody connected who may not send PROXY headers; logged once an address, since it may be a health check */
  peerRefused(remoteAddress: string): void;
  failure(message: string, error: unknown, requestId?: string): void;
}

/** Beyond so many addresses that were refused, a further one is counted and not logged. */
const REFUSED_PEERS_MAX = 1_000;

export function createRequestLog(logger: Logger): RequestLog {
  const refusedPeers = new Set<string>();
  return {
    request({
      requestId,
      traceId,
      method,
      path,
      status,
      route,
      durationMs,
      connection,
      verdict,
      isComplete,
      cutReason,
    }) {
      logger.info(
        {
          event: "request",
          requestId,
          traceId,
          method,
          path: path.split("?", 1)[0],
          status,
          route,
          durationMs: Math.round(durationMs * 1_000) / 1_000,
          host: connection.hostname,
          account: connection.domain?.caSet.account,
          client: connection.remoteAddress,
          protocol: connection.httpProtocol,
          tls: connection.tlsVersion,
          verdict: verdict.status,
          ...(verdict.status === "FAILED" ? { reason: verdict.reason } : {}),
          ...(verdict.status === "SUCCESS" ? { trustAnchors: verdict.anchors.map((anchor) => anchor.name) } : {}),
          fingerprint: connection.leafFingerprint,
          ...(isComplete ? {} : { incomplete: true }),
          ...(cutReason === undefined ? {} : { cutReason }),
        },
        `${method} ${status}`,
      );
    },
    requestRefused({ requestId, status, reason, connection }) {
      const { hostname: host, remoteAddress: client, leafFingerprint: fingerprint, verdict } = connection;
      logger.info(
        { event: "request_refused", requestId, status, reason, host, client, verdict: verdict.status, fingerprint },
        `request refused with ${status}`,
      );
    },
    handshakeFinished() {},
    handshakeFailed(remoteAddress, servername, error) {
      const { code } = error as NodeJS.ErrnoException;
      logger.warn(
        { event: "handshake_failed", client: remoteAddress, host: servername, reason: error.message, code },
        "TLS handshake failed",
      );
    },
    peerRefused(remoteAddress) {
      if (refusedPeers.has(remoteAddress) || refusedPeers.size >= REFUSED_PEERS_MAX) return;
      refusedPeers.add(remoteAddress);
      logger.warn(
        { event: "peer_refused", client: remoteAddress },
        "not among the load balancers that may connect; further connections from there are not logged",
      );
    },
    failure(message, error, requestId) {
      logger.error({ event: "failure", requestId, err: error }, message);
    },
  };
}
