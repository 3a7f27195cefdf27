/**
 * The request that is being served, for code that nobody hands it to: `fetch` in a module of the project. It follows the
 * request through its promises, by `AsyncLocalStorage`, which workerd has from the compatibility date 2026-08-04 on or with
 * the flag `nodejs_als`. Elsewhere nobody knows the current request: a worker serves just the same, and what it sends to
 * origins carries no request id. The one place of `src/` that imports something of Node's.
 */
import type { RequestTrace } from "../tracing/request-trace.ts";

export interface CurrentRequest {
  /** As in the logs */
  readonly requestId: string;
  /** Undefined where spans are not recorded */
  readonly trace: RequestTrace | undefined;
}

interface RequestStorage {
  run<Result>(request: CurrentRequest, serve: () => Result): Result;
  getStore(): CurrentRequest | undefined;
}

/** Not as a literal, which wrangler would follow: without the flag it warns that the worker may fail, and this does not. */
const STORAGE_MODULE = "node:async_hooks";

const storage = await openStorage();

async function openStorage(): Promise<RequestStorage | undefined> {
  try {
    const { AsyncLocalStorage } = (await import(/* @vite-ignore */ STORAGE_MODULE)) as {
      AsyncLocalStorage: new () => RequestStorage;
    };
    return new AsyncLocalStorage();
  } catch {
    return undefined;
  }
}

/** What `serve` calls, and whatever that waits for, has `request` for its current one. */
export function serveAsCurrent<Result>(request: CurrentRequest, serve: () => Result): Result {
  return storage === undefined ? serve() : storage.run(request, serve);
}

/** Undefined outside a request, and where the runtime cannot tell. */
export function findCurrentRequest(): CurrentRequest | undefined {
  return storage?.getStore();
}
