/**
 * What passes between the process that supervises the edge's processes and each of them, over Node's own channel. It
 * carries private keys, and stays on this machine and under this user.
 */
import type { EdgeOptions, RunningEdge } from "../edge.ts";
import type { UpstreamOptions } from "../ingress/upstream.ts";
import type { LogFormat } from "../log-format.ts";
import type { Readiness } from "../operations.ts";
import type { TrustSourceOptions } from "../trust/open-trust-source.ts";
import { TrustSourceError } from "../trust/trust-source.ts";

/** Everything of an edge that can be sent; what is left out, each process makes for itself. */
export interface EdgeProcessOptions extends Omit<EdgeOptions, "trustSource" | "logger" | "clock"> {
  trustSource: TrustSourceOptions;
  logFormat: LogFormat;
}

/** By name: what is asked, and what is answered. */
export interface Calls {
  start: { argument: EdgeProcessOptions; result: Pick<RunningEdge, "port" | "jwks"> };
  readiness: { argument: undefined; result: Readiness };
  /** Answered when nothing is under way at the old one any more */
  replaceUpstream: { argument: UpstreamOptions; result: undefined };
  /** Answered when everything under way is; the process ends then */
  close: { argument: undefined; result: undefined };
}

export interface Call<Name extends keyof Calls = keyof Calls> {
  call: Name;
  id: number;
  argument: Calls[Name]["argument"];
}

export type Answer = { answerTo: number } & ({ result: unknown } | { failure: Failure });

/** An error of another process: of a class, only its name gets across. */
export interface Failure {
  name: string;
  message: string;
  /** Of the system's errors: which, and of which port */
  code?: string;
  port?: number;
  problems?: string[];
}

export function describeFailure(error: unknown): Failure {
  const { name, message, code, port, problems } = error as Error & Failure;
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(port === undefined ? {} : { port }),
    ...(problems === undefined ? {} : { problems }),
  };
}

/** Those that say that options cannot be (cli/stack/start-edge.ts) */
const ERRORS: Readonly<Record<string, ErrorConstructor>> = { TypeError, RangeError };

/** The error as it would have been thrown here. */
export function restoreFailure({ name, message, problems = [], ...system }: Failure): Error {
  if (name === "TrustSourceError") return new TrustSourceError(message, { problems });
  return Object.assign(new (ERRORS[name] ?? Error)(message), system);
}
