/** How many inputs a property tries, and from which seed: global-setup.ts knows both. */
import type { Parameters } from "fast-check";
import { inject } from "vitest";

/** Below the time-out of a test: what was found by then is told, however long it would take to make it smaller. */
const LIMIT_MS = 90_000;

/** @param usual runs in `npm test` */
export function runs(usual: number): Parameters<unknown> {
  const { seed, runsFactor } = inject("fuzz");
  return { numRuns: Math.ceil(usual * runsFactor), seed, interruptAfterTimeLimit: LIMIT_MS * runsFactor };
}
