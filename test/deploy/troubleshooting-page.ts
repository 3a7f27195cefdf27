/** The tables of docs/troubleshooting.md: what stands under which heading. */
import { readSource } from "./troubleshooting-sources.ts";

export const PAGE = "docs/troubleshooting.md";

export interface Row {
  /** Code spans of the first cell: what the row explains */
  terms: string[];
  /** All cells, as they are written */
  cells: string[];
}

export interface Table {
  /** The headings above it, from the second level on */
  headings: string[];
  rows: Row[];
}

const HEADING = /^(#{1,6}) (.+)$/;
const DIVIDER = /^\|(?: ?:?-+:? ?\|)+$/;
const FENCE = /^\s*```/;

/** @throws TypeError for a row that explains nothing */
export function parseTables(text: string): Table[] {
  const tables: Table[] = [];
  let headings: string[] = [];
  let isCode = false;
  let table: Table | undefined;
  for (const line of text.split("\n")) {
    if (FENCE.test(line)) isCode = !isCode;
    if (isCode) continue;
    const [, marks = "", title = ""] = HEADING.exec(line) ?? [];
    if (title !== "") headings = [...headings.slice(0, Math.max(0, marks.length - 2)), title];
    if (DIVIDER.test(line)) {
      table = { headings, rows: [] };
      tables.push(table);
    } else if (line.startsWith("|")) table?.rows.push(parseRow(line));
    else table = undefined;
  }
  return tables;
}

function parseRow(line: string): Row {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1);
  const terms = [...(cells[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, term = ""]) => term.replaceAll("\\|", "|"));
  if (terms.length === 0) throw new TypeError(`a row explains nothing: ${line}`);
  return { terms, cells: cells.map((cell) => cell.trim()) };
}

let tables: Table[] | undefined;

export function pageTables(): Table[] {
  tables ??= parseTables(readSource(PAGE));
  return tables;
}

/** Rows below a heading, those of its own headings included. */
export function rowsBelow(heading: string): Row[] {
  return pageTables()
    .filter(({ headings }) => headings.includes(heading))
    .flatMap(({ rows }) => rows);
}
