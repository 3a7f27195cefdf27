/** What a run says: a table for people, and the same with every sample for programs. */
import { cpus } from "node:os";
import Table from "cli-table3";
import { describeFigure, type FigureSummary, printFigures } from "./figures.ts";
import { printNumber } from "./measurement/print-number.ts";
import { type Summary, summarize } from "./measurement/summary.ts";
import type { Figure, MeasuredContender, SuiteResult } from "./suites/suite.ts";

export interface Report {
  suite: string;
  /** ISO 8601 */
  startedAt: string;
  machine: string;
  conditions: string[];
  contenders: (MeasuredContender & { summary: Summary })[];
  figures: (Figure & { summary: FigureSummary })[];
}

export function createReport(suite: string, startedAt: Date, result: SuiteResult): Report {
  const baselines = Map.groupBy(result.measured, (contender) => contender.operation);
  return {
    suite,
    startedAt: startedAt.toISOString(),
    machine: describeMachine(),
    conditions: result.conditions,
    contenders: result.measured.map((contender) => ({
      ...contender,
      summary: summarize(contender.samples, baselines.get(contender.operation)?.[0]?.samples ?? []),
    })),
    figures: (result.figures ?? []).map((figure) => ({ ...figure, summary: describeFigure(figure) })),
  };
}

function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown";
  return `${processors.length} × ${model}, ${process.platform} ${process.arch}, Node ${process.version}`;
}

const EXPLANATIONS = [
  "ratio: to the first line of the same block; µs: CPU time of that process for one operation",
  "others: processors that were busy with something else, the kernel's network work included",
];

export function printReport(report: Report): string {
  const { suite, startedAt, machine, conditions, figures, contenders } = report;
  const figuresTable = figures.length === 0 ? [] : [printFigures(suite, figures)];
  const rates = contenders.length === 0 ? [] : [printContenders(report), ...EXPLANATIONS];
  return [...figuresTable, ...rates, ...conditions, `${machine}, ${startedAt}`].join("\n");
}

function printContenders({ suite, contenders }: Report): string {
  const processes = [...new Set(contenders.flatMap(({ summary }) => Object.keys(summary.cpuMicroseconds)))].sort();
  const numbers = [
    "a second",
    "min – max",
    "ratio",
    "p50 ms",
    "p99 ms",
    ...processes.map((name) => `${name} µs`),
    "others",
  ];
  const table = new Table({
    head: [suite, ...numbers],
    colAligns: ["left", ...numbers.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const [operation, among] of Map.groupBy(contenders, (contender) => contender.operation)) {
    table.push([{ content: operation, colSpan: numbers.length + 1 }]);
    for (const { name, summary } of among) {
      const { perSecond, latencyMs } = summary;
      table.push([
        `  ${name}`,
        printNumber(perSecond.median),
        `${printNumber(perSecond.min)} – ${printNumber(perSecond.max)}`,
        printNumber(among.length === 1 ? undefined : summary.ratio, 2),
        printNumber(latencyMs?.p50, 2),
        printNumber(latencyMs?.p99, 2),
        ...processes.map((process) => printNumber(summary.cpuMicroseconds[process])),
        printNumber(summary.othersProcessors, 2),
      ]);
    }
  }
  return table.toString();
}
