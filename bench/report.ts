/** What a run says: a table for people, and the same with every sample for programs. */
import { cpus } from "node:os";
import Table from "cli-table3";
import { type Summary, summarize } from "./measurement/summary.ts";
import type { MeasuredContender, SuiteResult } from "./suites/suite.ts";

export interface Report {
  suite: string;
  /** ISO 8601 */
  startedAt: string;
  machine: string;
  conditions: string[];
  contenders: (MeasuredContender & { summary: Summary })[];
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
  };
}

function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown";
  return `${processors.length} × ${model}, ${process.platform} ${process.arch}, Node ${process.version}`;
}

const EXPLANATIONS = [
  "ratio: to the first line of the same operation; µs: CPU time of that process for one operation",
  "others: processors that were busy with something else, the kernel's network work included",
];

export function printReport({ suite, startedAt, machine, conditions, contenders }: Report): string {
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
    style: { head: [], border: [] },
  });
  for (const { name, operation, summary } of contenders) {
    const { perSecond, latencyMs } = summary;
    const isAlone = contenders.every((other) => other.name === name || other.operation !== operation);
    table.push([
      `${name} (${operation})`,
      print(perSecond.median),
      `${print(perSecond.min)} – ${print(perSecond.max)}`,
      print(isAlone ? undefined : summary.ratio, 2),
      print(latencyMs?.p50, 2),
      print(latencyMs?.p99, 2),
      ...processes.map((process) => print(summary.cpuMicroseconds[process])),
      print(summary.othersProcessors, 2),
    ]);
  }
  return [table.toString(), ...EXPLANATIONS, ...conditions, `${machine}, ${startedAt}`].join("\n");
}

function print(value: number | undefined, digits = 0): string {
  if (value === undefined) return "–";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
