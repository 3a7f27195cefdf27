/**
 * Trust from a control plane: pulled when the control plane says that something changed, every 30 s in case it could not
 * say so, and kept on disk, so that an edge starts and serves while the control plane is away. A bundle is used whole or
 * not at all; whatever goes wrong, the last good one stays.
 */
import type { AccountTrust, TrustBundle } from "../../src/contract/trust-bundle.ts";
import { readOptional, writeWhole } from "../files.ts";
import { ControlEvents } from "./control-events.ts";
import { type ControlPlaneClient, type ControlPlaneOptions, createControlPlaneClient } from "./control-plane-client.ts";
import { assertNoConflicts, assertReadableCertificates, parseTrustBundle } from "./parse-trust-bundle.ts";
import { type TrustSource, TrustSourceError, type TrustSourceStatus } from "./trust-source.ts";

const POLL_INTERVAL_MS = 30_000;
/** An index and documents that did not fit together were read around a write; soon after, they do */
const RETRY_MS = 1_000;
const ORIGIN = "the control plane's trust bundle";

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
  readonly #cachePath: string;
  #current: TrustBundle | undefined;
  #status: TrustSourceStatus = { state: "stale", reason: "nothing was read yet" };
  #onBundle: (bundle: TrustBundle) => void = () => {};
  #onError: (error: TrustSourceError) => void = () => {};
  #events: ControlEvents | undefined;
  #poll: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isPulling = false;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(client: ControlPlaneClient, cachePath: string) {
    this.#client = client;
    this.#cachePath = cachePath;
  }

  async load(): Promise<TrustBundle> {
    try {
      const bundle = await this.#readBundle();
      if (bundle === undefined) throw new TrustSourceError(`${ORIGIN} was not sent`);
      this.#keep(bundle);
      return bundle;
    } catch (error) {
      this.#status = describeFailure(error as TrustSourceError);
      this.#current = readKept(this.#cachePath, error as TrustSourceError);
      return this.#current;
    }
  }

  watch(onBundle: (bundle: TrustBundle) => void, onError: (error: TrustSourceError) => void): void {
    this.#onBundle = onBundle;
    this.#onError = onError;
    if (this.#status.state !== "current") onError(new TrustSourceError(this.#status.reason));
    this.#events = new ControlEvents(this.#client, {
      onVersion: (version) => {
        if (version !== this.#current?.version || this.#status.state !== "current") this.#askForPull();
      },
      // Asked at once, so that log and readiness say why the stream ended.
      onLoss: () => this.#askForPull(),
    });
    this.#poll = setInterval(() => this.#askForPull(), POLL_INTERVAL_MS).unref();
  }

  status(): TrustSourceStatus {
    return this.#status;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    this.#events?.close();
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
      this.#keep(bundle);
    } catch (error) {
      if (!this.#isClosed) this.#report(error as TrustSourceError);
    }
  }

  /** Undefined when the present one is known. */
  async #readBundle(): Promise<TrustBundle | undefined> {
    const bundle = await readBundle(this.#client, this.#current);
    this.#status = { state: "current" };
    if (bundle !== undefined) this.#current = bundle;
    return bundle;
  }

  /** Says each reason once, not at every poll. */
  #report(error: TrustSourceError): void {
    const isNews = this.#status.state === "current" || this.#status.reason !== error.message;
    this.#status = describeFailure(error);
    if (isNews) this.#onError(error);
    clearTimeout(this.#retry);
    if (error.problems?.length > 0) this.#retry = setTimeout(() => this.#askForPull(), RETRY_MS).unref();
  }

  /** For the next start. That it cannot be kept is no reason not to use it. */
  #keep(bundle: TrustBundle): void {
    try {
      writeWhole(this.#cachePath, JSON.stringify(bundle, withoutPrivateKeys), 0o600);
    } catch (cause) {
      const reason = (cause as Error).message;
      this.#onError(new TrustSourceError(`"${this.#cachePath}" cannot be written: ${reason}`, { cause }));
    }
  }
}

/**
 * The present bundle; undefined when `known` is it. Only changed documents travel and are looked into: an unchanged one
 * stays the same object, and what was compiled from it stays in use.
 */
async function readBundle(
  client: ControlPlaneClient,
  known: TrustBundle | undefined,
): Promise<TrustBundle | undefined> {
  const index = await client.readIndex(known?.version);
  if (index === undefined) return undefined;
  const documents = new Map(known?.accounts.map((account) => [account.account, account]));
  const changed = index.accounts.filter(({ account, version }) => documents.get(account)?.version !== version);
  const fetched = await client.readAccounts(changed.map(({ account }) => account));
  assertReadableCertificates(fetched, ORIGIN);
  for (const { account } of changed) documents.delete(account);
  for (const document of fetched) documents.set(document.account, document);
  const accounts = index.accounts
    .map(({ account }) => documents.get(account))
    .filter((document): document is AccountTrust => document !== undefined);
  assertNoConflicts(accounts, ORIGIN);
  return { format: 1, version: index.version, accounts };
}

/** Private keys live in memory only. */
function withoutPrivateKeys(key: string, value: unknown): unknown {
  return key === "privateKey" ? undefined : value;
}

/** @throws TrustSourceError `reason` when there is nothing to start from */
function readKept(path: string, reason: TrustSourceError): TrustBundle {
  const text = readOptional(path);
  if (text === undefined) throw reason;
  return parseTrustBundle(text, path);
}

function describeFailure({ isRefusal, message }: TrustSourceError): TrustSourceStatus {
  return { state: isRefusal ? "refused" : "stale", reason: message };
}
