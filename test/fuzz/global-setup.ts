/**
 * `FUZZ_SEED` repeats a run; `FUZZ_RUNS=50` makes each property try fifty times as many inputs as `npm test`, from
 * another seed each time. A failure prints the input that it shrank to, which then becomes a test by its own name.
 */
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    fuzz: { seed: number; runsFactor: number };
  }
}

const USUAL_SEED = 5;
/** fast-check's seeds are 32 bits. */
const SEEDS = 2 ** 31;

export const RUNS_FACTOR = Number(process.env.FUZZ_RUNS ?? 1);

export default function setup(project: TestProject): void {
  const usual = RUNS_FACTOR === 1 ? USUAL_SEED : Date.now() % SEEDS;
  const seed = Number(process.env.FUZZ_SEED ?? usual);
  project.provide("fuzz", { seed, runsFactor: RUNS_FACTOR });
  console.log(`fuzz: FUZZ_SEED=${seed} FUZZ_RUNS=${RUNS_FACTOR}`);
}
