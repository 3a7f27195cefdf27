/** Quantities that are no rates: their medians, how far the values lie apart, and whether the target was reached. */
import Table from "cli-table3";
import { printNumber } from "./measurement/print-number.ts";
import { median, percentile } from "./measurement/statistics.ts";
import type { Figure } from "./suites/suite.ts";

export interface FigureSummary {
  median: number;
  p90: number;
  min: number;
  max: number;
  /** Absent without a target */
  isReached?: boolean;
}

export function describeFigure({ values, target }: Figure): FigureSummary {
  const middle = median(values);
  const summary = {
    median: middle,
    p90: percentile(values, 0.9),
    min: Math.min(...values),
    max: Math.max(...values),
  };
  if (target === undefined) return summary;
  return { ...summary, isReached: "atMost" in target ? middle <= target.atMost : middle >= target.atLeast };
}

const NUMBERS = ["median", "min – max", "p90", "measured", "target"];
const DIGITS: Record<Figure["unit"], number> = { ms: 2, s: 2, MiB: 0, KiB: 1, contexts: 0, "×": 2 };

export function printFigures(suite: string, figures: readonly (Figure & { summary: FigureSummary })[]): string {
  const table = new Table({
    head: [suite, ...NUMBERS],
    colAligns: ["left", ...NUMBERS.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, unit, values, target, summary } of figures) {
    const show = (value: number) => printNumber(value, DIGITS[unit]);
    const isAlone = values.length === 1;
    table.push([
      name,
      `${show(summary.median)} ${unit}`.trimEnd(),
      isAlone ? "–" : `${show(summary.min)} – ${show(summary.max)}`,
      isAlone ? "–" : show(summary.p90),
      values.length,
      printTarget(target, summary),
    ]);
  }
  return table.toString();
}

function printTarget(target: Figure["target"], { isReached }: FigureSummary): string {
  if (target === undefined) return "–";
  const limit = "atMost" in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`;
  return `${limit}: ${isReached ? "reached" : "MISSED"}`;
}
