/** The table that a run ends with: a line a case, a column a host. JSON, since rows cross from vitest's worker to its reporter. */
import Table from "cli-table3";

export interface FidelityRow {
  name: string;
  /** Summaries, in the order of {@link HOST_TITLES} */
  outcomes: string[];
  /** What differs and must not */
  differences: string[];
  /** Why one host's answer is another one, and has to be */
  why?: string;
}

export const HOST_TITLES = ["vitest worker pool", "wrangler dev + edge", "serve", "workerd + request.cf"] as const;
const WIDTHS = [36, 31, 31, 31, 31, 40];

export function printTable(rows: readonly FidelityRow[]): string {
  const table = new Table({
    head: ["case", ...HOST_TITLES, ""],
    colWidths: WIDTHS,
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const { name, outcomes, differences, why } of rows) {
    const [first] = outcomes;
    const cells = outcomes.map((outcome, index) => (index > 0 && outcome === first ? "=" : outcome));
    table.push([name, ...cells, [...differences, why ?? ""].join("\n").trim()]);
  }
  const documented = rows.filter(({ why }) => why !== undefined).length;
  const differing = rows.filter(({ differences }) => differences.length > 0).length;
  return `${table.toString()}\n${rows.length} cases on ${HOST_TITLES.length} hosts: ${rows.length - documented - differing} equal, ${documented} with a documented difference, ${differing} with another one`;
}
