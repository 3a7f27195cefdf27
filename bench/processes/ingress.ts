/** What each process that can stand in the edge's place is told, and what it tells. */
import type { TlsParty } from "./tls-files.ts";

export interface IngressInput {
  /** `http://127.0.0.1:port` of the worker */
  upstreamUrl: string;
  /** The certificate that clients see, and the CA that theirs have to come from */
  tls: TlsParty;
  /** Empty */
  directory: string;
}

export interface IngressOutput {
  port: number;
  /** All its processes: their CPU time and memory is what it costs */
  pids: number[];
}

/** Idle connections to the worker that each keeps. */
export const UPSTREAM_CONNECTIONS_KEPT = 256;
/** Idle for longer than a run takes. */
export const KEEP_ALIVE_SECONDS = 300;
/** Clients at once that a server has to be set up for. */
export const CLIENTS_MAX = 12_000;
