/** What the egress waits for, and how much it keeps. */

export interface EgressLimits {
  /** Bytes of request line and headers together that a worker may send */
  headersMaxBytes: number;
  /** Milliseconds from DNS to the end of the TLS handshake */
  connectTimeoutMs: number;
  /** Milliseconds for the origin's response headers. Shorter than what the ingress waits for, so that the cause is told. */
  headersTimeoutMs: number;
  /** Milliseconds of silence in the middle of a response */
  bodyTimeoutMs: number;
  /** Milliseconds that an idle connection to an origin is kept, unless the origin asks for less */
  keepAliveTimeoutMs: number;
  /** Milliseconds that requests under way have when their certificate was rotated */
  drainMs: number;
  /** Origins, times certificates, whose connections are kept; the least recently used go first */
  poolsMax: number;
}

export const DEFAULT_EGRESS_LIMITS: Readonly<EgressLimits> = Object.freeze({
  headersMaxBytes: 64 * 1024,
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 60_000,
  bodyTimeoutMs: 300_000,
  // Apache's and Node's servers close after 5 s: whoever closes first never writes to a closed connection.
  keepAliveTimeoutMs: 4_000,
  drainMs: 60_000,
  poolsMax: 1_000,
});
