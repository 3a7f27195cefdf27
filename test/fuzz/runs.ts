/** How many inputs a property tries, and from which seed: global-setup.ts knows both. */
import type { Parameters } from "fast-check";
import { inject } from "vitest";

/** @param usual runs in `npm test` */
export function runs(usual: number): Parameters<unknown> {
  const { seed, runsFactor } = inject("fuzz");
  return { numRuns: Math.ceil(usual * runsFactor), seed };
}
