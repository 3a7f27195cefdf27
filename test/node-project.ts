/**
 * What every project of tests that run in Node has in common. One module graph serves all files of a worker: a test
 * leaves nothing behind that another one could see, and loading the edge anew for each file costs half of the time.
 */
import { fileURLToPath } from "node:url";
import { defineProject, type UserProjectConfigExport } from "vitest/config";

type TestOptions = NonNullable<Exclude<Awaited<UserProjectConfigExport>, (...parameters: never[]) => unknown>["test"]>;

/** Most of it waits for other processes. A project does not take over the root's: it would be 1 on two processors. */
export const MAX_WORKERS = 3;

/** Commands, wrangler and workers of vitest are compiled once for all the times that they start: a second of CPU a stack. */
const COMPILE_CACHE = fileURLToPath(new URL("../node_modules/.cache/sallyport-tests", import.meta.url));

/** Time-outs are for what no longer ends: RSA keys, processes, and a two-core machine that others use as well. */
export function defineNodeProject(name: string, options: TestOptions = {}) {
  return defineProject({
    test: {
      name,
      environment: "node",
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE },
      include: ["**/*.test.ts"],
      isolate: false,
      maxWorkers: MAX_WORKERS,
      testTimeout: 60_000,
      hookTimeout: 120_000,
      ...options,
    },
  });
}
