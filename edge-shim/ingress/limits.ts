/**
 * What clients may use of the edge. Everything here answers with a problem or closes; nothing here is policy. SECURITY.md
 * has them in a table.
 */

export interface IngressLimits {
  /** Bytes of request line and headers together */
  headersMaxBytes: number;
  /** Header fields of one request */
  headersMaxCount: number;
  /** Bytes of one request body */
  bodyMaxBytes: number;
  /** TCP connections at once; further ones are closed as they come */
  connectionsMax: number;
  /** Of these, TLS handshakes that are not finished: a further one ends the oldest */
  handshakesMax: number;
  /** Requests on one connection, which then is closed after its answer */
  requestsPerConnectionMax: number;
  /** Milliseconds from TCP connection to finished TLS handshake */
  handshakeTimeoutMs: number;
  /** Milliseconds for a request's headers to arrive */
  headersTimeoutMs: number;
  /** Milliseconds for a whole request to arrive, body included */
  requestTimeoutMs: number;
  /** Milliseconds in which a client takes nothing of an answer that waits for it */
  sendTimeoutMs: number;
  /** Milliseconds that an idle connection is kept */
  keepAliveTimeoutMs: number;
  /** Streams that one HTTP/2 connection may have open */
  http2StreamsMax: number;
  /** Streams that one HTTP/2 connection may reset at once, and a second after that (rapid reset, CVE-2023-44487) */
  http2ResetsBurst: number;
  http2ResetsPerSecond: number;
}

export const DEFAULT_LIMITS: Readonly<IngressLimits> = Object.freeze({
  headersMaxBytes: 32 * 1024,
  headersMaxCount: 200,
  bodyMaxBytes: 100 * 1024 * 1024,
  connectionsMax: 20_000,
  handshakesMax: 1_000,
  requestsPerConnectionMax: 10_000,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 300_000,
  sendTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
  http2StreamsMax: 128,
  http2ResetsBurst: 200,
  http2ResetsPerSecond: 33,
});

export type LimitName = keyof IngressLimits;

export const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as LimitName[];
