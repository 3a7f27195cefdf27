import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import type { Reporter } from "vitest/node";
import { gatewayTest } from "../../../testing/config/index.ts";
import type { PoolAnswer, PoolCase } from "./pool-case.ts";

/** What hosts/pool-host.ts wrote into the file that FIDELITY_POOL names. */
export interface PoolRun {
  projectDir: string;
  /** Of the egress that presents certificates */
  variables: Record<string, string>;
  cases: PoolCase[];
  /** Where the answers go: JSON, by the case's name */
  answersPath: string;
}

const run = JSON.parse(readFileSync(process.env.FIDELITY_POOL ?? "", "utf8")) as PoolRun;

function createReporter(): Reporter {
  const answers: Record<string, PoolAnswer> = {};
  return {
    onTestCaseResult(test) {
      const { poolAnswer } = test.meta();
      if (poolAnswer !== undefined) answers[test.name] = poolAnswer;
    },
    onTestRunEnd: () => writeFileSync(run.answersPath, JSON.stringify(answers)),
  };
}

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [gatewayTest({ project: run.projectDir, variables: run.variables })],
  test: { include: ["cases.test.ts"], provide: { poolCases: run.cases }, reporters: ["default", createReporter()] },
});
