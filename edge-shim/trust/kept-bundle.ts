/**
 * The last good bundle on disk, without private keys: what an edge starts from while its control plane is away. It is
 * written beside the serving of requests, never in front of it: ten thousand CA certificates are 8 MB of JSON, and to
 * write them in one go would hold up every connection just when the change that they are written for is to be obeyed.
 */
import { setTimeout as delay, setImmediate } from "node:timers/promises";
import type { AccountTrust, TrustBundle } from "../../src/contract/trust-bundle.ts";
import { readOptional, removeLeftovers, writeWholeBeside } from "../files.ts";
import { parseTrustBundle } from "./parse-trust-bundle.ts";

/** After a change clients shake hands anew, all at once; and many changes in a row are written once */
const CALM_MS = 200;
/** Until a bundle that could not be written is tried again: a disk that was full may have room by then */
const RETRY_MS = 5_000;
/** Documents that are turned into text in one go: about a millisecond */
const DOCUMENTS_AT_A_TIME = 50;

export interface KeptBundle {
  /** Undefined when none was kept. @throws TrustSourceError when what is there is no bundle */
  read(): TrustBundle | undefined;
  /**
   * Writes `bundle`, or one that is newer by then, after {@link CALM_MS}. That it cannot be written is told to `onError`
   * once, and it is tried again and again.
   */
  write(bundle: TrustBundle): void;
  /** Writes what is to be written at once, also from then on. Resolves when it is on disk, or could not be written. */
  settle(): Promise<void>;
}

/** @param path one file, replaced as a whole, 0600 */
export function createKeptBundle(path: string, onError: (error: Error) => void): KeptBundle {
  removeLeftovers(path);
  let latest: TrustBundle | undefined;
  let writing: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let failed: TrustBundle | undefined;
  // Only what changed is turned into text again.
  const texts = new WeakMap<AccountTrust, Uint8Array>();
  const hurry = new AbortController();

  async function encode(bundle: TrustBundle): Promise<Uint8Array[]> {
    const parts: Uint8Array[] = [Buffer.from(`{"format":1,"version":${JSON.stringify(bundle.version)},"accounts":[`)];
    let newTexts = 0;
    for (const document of bundle.accounts) {
      let text = texts.get(document);
      if (text === undefined) {
        if (++newTexts % DOCUMENTS_AT_A_TIME === 0) await setImmediate();
        text = Buffer.from(`,${JSON.stringify(document, withoutPrivateKeys)}`);
        texts.set(document, text);
      }
      // The comma is between documents
      parts.push(parts.length === 1 ? text.subarray(1) : text);
    }
    parts.push(Buffer.from("]}"));
    return parts;
  }

  async function writeUntilLatest(): Promise<void> {
    while (latest !== undefined) {
      await delay(CALM_MS, undefined, { signal: hurry.signal }).catch(() => undefined);
      const bundle = latest;
      latest = undefined;
      await encode(bundle)
        .then((parts) => writeWholeBeside(path, parts, 0o600))
        .catch((error: Error) => fail(error, bundle));
    }
    writing = undefined;
  }

  function fail(error: Error, bundle: TrustBundle): void {
    if (bundle !== failed) onError(error);
    failed = bundle;
    // A newer one is next anyway.
    if (latest === undefined && !hurry.signal.aborted) retry = setTimeout(() => write(bundle), RETRY_MS).unref();
  }

  function write(bundle: TrustBundle): void {
    clearTimeout(retry);
    latest = bundle;
    writing ??= writeUntilLatest();
  }

  return {
    read() {
      const text = readOptional(path);
      return text === undefined ? undefined : parseTrustBundle(text, path);
    },
    write,
    async settle() {
      clearTimeout(retry);
      hurry.abort();
      await writing;
    },
  };
}

/** Private keys live in memory only. */
function withoutPrivateKeys(key: string, value: unknown): unknown {
  return key === "privateKey" ? undefined : value;
}
