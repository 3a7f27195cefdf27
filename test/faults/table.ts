/** What the run says at its end: a line a fault. README.md says what the columns mean. */
import Table from "cli-table3";
import { printNumber } from "../../bench/measurement/print-number.ts";

/** What was seen of one fault. JSON, since it crosses from vitest's worker to its reporter. */
export interface FaultRow {
  fault: string;
  /** Of the verified clients, before the fault and while it lasted; undefined where there was no load */
  load?: { before: Rates; during: Rates & Load };
  /** Of the edge; undefined where it is not a process of its own */
  memory?: Memory;
  /** In words */
  refused: string;
}

interface Rates {
  perSecond: number;
  p99Ms: number;
}

interface Load {
  answered: number;
  failed: Counts;
  handshakes: { made: number; failed: number };
}

/** MiB: what is resident, and JavaScript's heap after garbage collection */
interface Memory {
  before: number;
  worst: number;
  after: number;
  heapBefore: number;
  heapAfter: number;
}

type Counts = Record<string, number>;

const COLUMNS = [
  ["fault", 34],
  ["answered", 10],
  ["failed", 20],
  ["rate / s", 11],
  ["p99 ms", 15],
  ["handshakes", 13],
  ["edge MiB", 21],
  ["refused, and what else was seen", 54],
] as const;

export function printTable(rows: readonly FaultRow[]): string {
  const table = new Table({
    head: COLUMNS.map(([name]) => name),
    colWidths: COLUMNS.map(([, width]) => width),
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const { fault, load, memory, refused } of rows) {
    table.push([
      fault,
      ...(load === undefined ? ["–", "–", "–", "–", "–"] : printLoad(load)),
      memory === undefined ? "–" : printMemory(memory),
      refused,
    ]);
  }
  return table.toString();
}

function printLoad({ before, during }: NonNullable<FaultRow["load"]>): string[] {
  const { answered, failed, handshakes } = during;
  return [
    printNumber(answered),
    printCounts(failed),
    `${printNumber(before.perSecond)} → ${printNumber(during.perSecond)}`,
    `${printMilliseconds(before.p99Ms)} → ${printMilliseconds(during.p99Ms)}`,
    handshakes.failed === 0 ? printNumber(handshakes.made) : `${handshakes.made}, ${handshakes.failed} not`,
  ];
}

function printMemory({ before, worst, after, heapBefore, heapAfter }: Memory): string {
  const resident = [before, worst, after].map((value) => printNumber(value)).join(" / ");
  return `${resident}\nheap ${printNumber(heapBefore)} / ${printNumber(heapAfter)}`;
}

function printMilliseconds(value: number): string {
  return Number.isFinite(value) ? printNumber(value, value < 10 ? 1 : 0) : "–";
}

/** `3 × 503, 1 × cut`; 0 for none */
export function printCounts(counts: Counts): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.length === 0 ? "0" : entries.map(([what, count]) => `${printNumber(count)} × ${what}`).join(", ");
}
