/** Prints the table when all tests are over, with a line for each fault that came to its end. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Reporter, TestModule } from "vitest/node";
import { type FaultRow, printTable } from "./table.ts";

declare module "vitest" {
  interface TaskMeta {
    /** In the order in which they were seen */
    faults?: FaultRow[];
  }
}

/** For whoever wants the numbers: a file to write them into */
const JSON_VARIABLE = "SALLYPORT_FAULTS_JSON";

export class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules.flatMap(({ children }) =>
      [...children.allTests()].flatMap((test) => test.meta().faults ?? []),
    );
    if (rows.length === 0) return;
    const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`;
    process.stdout.write(`\n${printTable(rows)}\n${machine}, ${new Date().toISOString()}\n`);
    const path = process.env[JSON_VARIABLE];
    if (path !== undefined) writeFileSync(path, `${JSON.stringify(rows, null, 2)}\n`);
  }
}
