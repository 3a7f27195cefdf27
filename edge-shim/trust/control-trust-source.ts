/**
 * Trust from a control plane: pulled when the control plane says that something changed, every 30 s in case it could not
 * say so, and kept on disk, so that an edge starts and serves while the control plane is away. A bundle is used whole or
 * not at all; whatever goes wrong, the last good one stays.
 */
import type { BundleEvent, TrustBundle } from "../../src/contract/trust-bundle.ts";
import { ControlEvents } from "./control-events.ts";
import { type ControlPlaneClient, type ControlPlaneOptions, createControlPlaneClient } from "./control-plane-client.ts";
import { createKeptBundle, type KeptBundle } from "./kept-bundle.ts";
import { pullBundle } from "./pull-bundle.ts";
import { type TrustSource, TrustSourceError, type TrustSourceStatus } from "./trust-source.ts";

const POLL_INTERVAL_MS = 30_000;
/**
 * Until a pull that failed is repeated; twice as long each time, until it succeeds. An index and documents that did not
 * fit together were read around a write, and soon after they do; and what was pushed is not to wait for the next poll.
 */
const RETRY_MIN_MS = 1_000;

export interface ControlTrustSourceOptions extends ControlPlaneOptions {
  /** Where the last good bundle is kept, 0600 */
  cachePath: string;
}

/** @throws TypeError when the URL is none */
export function createControlTrustSource(options: ControlTrustSourceOptions): TrustSource {
  return new ControlTrustSource(createControlPlaneClient(options), options.cachePath);
}

class ControlTrustSource implements TrustSource {
  readonly #client: ControlPlaneClient;
  readonly #kept: KeptBundle;
  /** The last that was pulled. Never the one on disk, which lacks the private keys: the first pull brings them. */
  #current: TrustBundle | undefined;
  #status: TrustSourceStatus = { state: "stale", reason: "nothing was read yet" };
  #onBundle: (bundle: TrustBundle) => void = () => {};
  #onError: (error: TrustSourceError) => void = () => {};
  #events: ControlEvents | undefined;
  #poll: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MIN_MS;
  /** Accounts that changed, as the control plane said since the last pull began */
  readonly #named = new Set<string>();
  #isPulling = false;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(client: ControlPlaneClient, cachePath: string) {
    this.#client = client;
    this.#kept = createKeptBundle(cachePath, (cause) =>
      this.#onError(new TrustSourceError(`"${cachePath}" cannot be written: ${cause.message}`, { cause })),
    );
  }

  async load(): Promise<TrustBundle> {
    try {
      const bundle = await this.#readBundle();
      if (bundle === undefined) throw new TrustSourceError("the control plane's trust bundle was not sent");
      return bundle;
    } catch (error) {
      this.#status = describeFailure(error as TrustSourceError);
      const kept = this.#kept.read();
      if (kept === undefined) throw error;
      return kept;
    }
  }

  watch(onBundle: (bundle: TrustBundle) => void, onError: (error: TrustSourceError) => void): void {
    this.#onBundle = onBundle;
    this.#onError = onError;
    if (this.#status.state !== "current") onError(new TrustSourceError(this.#status.reason));
    // Only now, when there is somebody to be told that it cannot be written, and nobody waits for the edge to listen.
    if (this.#current !== undefined) this.#kept.write(this.#current);
    this.#events = new ControlEvents(this.#client, {
      onEvent: (event) => this.#hear(event),
      // Asked at once, so that log and readiness say why the stream ended.
      onLoss: () => this.#askForPull(),
    });
    this.#poll = setInterval(() => this.#askForPull(), POLL_INTERVAL_MS).unref();
  }

  status(): TrustSourceStatus {
    return this.#status;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    this.#events?.close();
    await this.#kept.settle();
  }

  #hear({ version, accounts = [] }: BundleEvent): void {
    if (version === this.#current?.version && this.#status.state === "current") return;
    for (const account of accounts) this.#named.add(account);
    this.#askForPull();
  }

  /** One pull at a time; what is asked for meanwhile is one more after it. */
  async #askForPull(): Promise<void> {
    if (this.#isPulling) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isPulling = true;
    do {
      this.#isAskedAgain = false;
      await this.#pull();
    } while (this.#isAskedAgain && !this.#isClosed);
    this.#isPulling = false;
  }

  async #pull(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const bundle = await this.#readBundle();
      if (bundle === undefined || this.#isClosed) return;
      this.#onBundle(bundle);
      this.#kept.write(bundle);
    } catch (error) {
      if (!this.#isClosed) this.#report(error as TrustSourceError);
    }
  }

  /** Undefined when the present one is known. */
  async #readBundle(): Promise<TrustBundle | undefined> {
    const named = [...this.#named];
    this.#named.clear();
    const bundle = await pullBundle(this.#client, this.#current, named);
    this.#status = { state: "current" };
    this.#retryMs = RETRY_MIN_MS;
    if (bundle !== undefined) this.#current = bundle;
    return bundle;
  }

  /** Says each reason once, not at every poll. */
  #report(error: TrustSourceError): void {
    const isNews = this.#status.state === "current" || this.#status.reason !== error.message;
    this.#status = describeFailure(error);
    if (isNews) this.#onError(error);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#askForPull(), this.#retryMs * (0.5 + Math.random())).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, POLL_INTERVAL_MS);
  }
}

function describeFailure({ isRefusal, message }: TrustSourceError): TrustSourceStatus {
  return { state: isRefusal ? "refused" : "stale", reason: message };
}
