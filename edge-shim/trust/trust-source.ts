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
  close(): void;
}

export interface TrustSourceStatus {
  isCurrent: boolean;
  /** Why not */
  reason?: string;
}

/** A bundle that is missing, unreadable or not valid. `problems` names every place in it that is wrong. */
export class TrustSourceError extends Error {
  readonly code = "TRUST_SOURCE";
  readonly problems: string[];

  constructor(message: string, options: { problems?: string[]; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "TrustSourceError";
    this.problems = options.problems ?? [];
  }
}
