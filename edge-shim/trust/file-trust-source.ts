/**
 * A trust bundle in a file. Replacing the file (write to another name, then rename) takes effect at once; the folder
 * is watched rather than the file, because a rename gives the name to another inode, and a poll covers file systems
 * that send no events.
 */
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { parseTrustBundle } from "./parse-trust-bundle.ts";
import { type TrustSource, TrustSourceError, type TrustSourceStatus } from "./trust-source.ts";

const POLL_INTERVAL_MS = 2_000;

export function createFileTrustSource(path: string): TrustSource {
  let lastText: string | undefined;
  let watcher: FSWatcher | undefined;
  let poll: NodeJS.Timeout | undefined;
  let status: TrustSourceStatus = { state: "current" };

  function readText(): string {
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      throw new TrustSourceError(`"${path}" cannot be read: ${(cause as Error).message}`, { cause });
    }
  }

  /** Undefined when nothing changed since the last call, so that each change is parsed, and complained about, once. */
  function readChange(): TrustBundle | undefined {
    const before = lastText;
    lastText = undefined;
    const text = readText();
    lastText = text;
    return text === before ? undefined : parseTrustBundle(text, path);
  }

  return {
    async load() {
      lastText = readText();
      return parseTrustBundle(lastText, path);
    },
    watch(onBundle, onError) {
      let failed = false;
      const check = () => {
        try {
          const bundle = readChange();
          failed = false;
          if (bundle !== undefined) status = { state: "current" };
          if (bundle !== undefined) onBundle(bundle);
        } catch (error) {
          const missing = lastText === undefined;
          status = { state: "stale", reason: (error as TrustSourceError).message };
          if (!(missing && failed)) onError(error as TrustSourceError);
          failed = missing;
        }
      };
      const name = basename(path);
      watcher = watch(dirname(path), (_event, changed) => {
        if (changed === null || changed === name) check();
      });
      watcher.on("error", (cause) => onError(new TrustSourceError(`"${path}" cannot be watched`, { cause })));
      poll = setInterval(check, POLL_INTERVAL_MS).unref();
    },
    status: () => status,
    close() {
      watcher?.close();
      clearInterval(poll);
    },
  };
}
