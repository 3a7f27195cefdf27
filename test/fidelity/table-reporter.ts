/** Prints the table when all cases are over. */
import type { Reporter, TestModule } from "vitest/node";
import { type FidelityRow, printTable } from "./table.ts";

declare module "vitest" {
  interface TaskMeta {
    fidelity?: FidelityRow;
  }
}

export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules.flatMap(({ children }) =>
      [...children.allTests()].flatMap((test) => test.meta().fidelity ?? []),
    );
    if (rows.length > 0) process.stdout.write(`\n${printTable(rows)}\n`);
  }
}
