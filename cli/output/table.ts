/** Rows in columns without borders, which read alike on a terminal and in a file, and never end in spaces. */
import { styleText } from "node:util";
import Table from "cli-table3";
import { toPrintable } from "./printable.ts";

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  isNumber?: boolean;
  /** A colour on terminals that want one */
  colour?(row: Row): "red" | "yellow" | undefined;
}

const BORDERLESS = Object.fromEntries(
  ["top", "bottom", "mid"]
    .flatMap((edge) => [edge, `${edge}-mid`, `${edge}-left`, `${edge}-right`])
    .concat("left", "left-mid", "mid-mid", "right", "right-mid")
    .map((name) => [name, ""]),
);

export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const table = new Table({
    head: columns.map(({ title }) => styleText("bold", title)),
    colAligns: columns.map(({ isNumber }) => (isNumber ? "right" : "left")),
    chars: { ...BORDERLESS, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => columns.map((column) => formatCell(column, row))));
  return trimLines(table.toString());
}

/** `name  value` lines under one another. */
export function formatFields(fields: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${toPrintable(value)}`).join("\n");
}

function formatCell<Row>({ value, colour }: Column<Row>, row: Row): string {
  const chosen = colour?.(row);
  const text = toPrintable(value(row));
  return chosen === undefined ? text : styleText(chosen, text);
}

function trimLines(text: string): string {
  return text.replace(/ +$/gm, "");
}
