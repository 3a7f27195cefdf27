/** What one client may use of the edge. Everything here answers with a problem or closes; nothing here is policy. */

export interface IngressLimits {
  /** Bytes of request line and headers together */
  headersMaxBytes: number;
  /** Bytes of one request body */
  bodyMaxBytes: number;
  /** Milliseconds from TCP connection to finished TLS handshake */
  handshakeTimeoutMs: number;
  /** Milliseconds for a request's headers to arrive */
  headersTimeoutMs: number;
  /** Milliseconds for a whole request to arrive, body included */
  requestTimeoutMs: number;
  /** Milliseconds that an idle connection is kept */
  keepAliveTimeoutMs: number;
  /** Streams that one HTTP/2 connection may have open */
  http2StreamsMax: number;
}

export const DEFAULT_LIMITS: Readonly<IngressLimits> = Object.freeze({
  headersMaxBytes: 32 * 1024,
  bodyMaxBytes: 100 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 300_000,
  keepAliveTimeoutMs: 60_000,
  http2StreamsMax: 128,
});
