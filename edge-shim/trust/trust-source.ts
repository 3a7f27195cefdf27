/**
 * Where an edge takes its trust bundle from: a file, or a control plane. A source hands over whole, parsed bundles
 * only; what to do with one (and with none) is the trust store's business.
 */
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";

export interface TrustSource {
  /**
   * The bundle to start with.
   *
   * @throws TrustSourceError when there is none: an edge without trust does not start
   */
  load(): Promise<TrustBundle>;
  /** Calls `onBundle` for each later bundle and `onError` when one could not be had; the last good one stays in use. */
  watch(onBundle: (bundle: TrustBundle) => void, onError: (error: TrustSourceError) => void): void;
  /** Is what the edge trusts what it should trust now? For `/readyz`. */
  status(): TrustSourceStatus;
  /** Resolves when nothing is left to do, such as writing down what was read. */
  close(): void | Promise<void>;
}

/** `stale`: the source does not answer, or not properly; `refused`: it does not want to know this edge. */
export type TrustSourceStatus = { state: "current" } | { state: "stale" | "refused"; reason: string };

/** A bundle that is missing, unreadable or not valid. `problems` names every place in it that is wrong. */
export class TrustSourceError extends Error {
  readonly code = "TRUST_SOURCE";
  readonly problems: string[];
  /** The control plane answered, and refused this edge's key */
  readonly isRefusal: boolean;

  constructor(message: string, options: { problems?: string[]; isRefusal?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "TrustSourceError";
    this.problems = options.problems ?? [];
    this.isRefusal = options.isRefusal ?? false;
  }
}
