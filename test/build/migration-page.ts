/** Reads docs/migrating-from-zuplo.md: its tables, its files and what stands in backticks, for the test that holds it to the code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProjectFiles } from "./project-directory.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = readRepositoryFile("docs/migrating-from-zuplo.md");

/** A row without its outer bars. No cell of the page has a bar in it. */
export type Row = readonly string[];

export function readRepositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Everything from `mark`, which has to be on the page once, to the next heading. */
export function sectionAfter(mark: string): string {
  const parts = PAGE.split(mark);
  if (parts.length !== 2) throw new Error(`"${mark}" is on the page ${parts.length - 1} times, expected: once`);
  return (parts[1] ?? "").split(/^## /m)[0] ?? "";
}

/** The rows of the first table after `mark`, without its head. */
export function tableAfter(mark: string): Row[] {
  const lines = sectionAfter(mark).split("\n");
  const start = lines.findIndex((line) => line.startsWith("| ---"));
  const rows = lines.slice(start + 1);
  const length = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, length === -1 ? rows.length : length).map(readRow);
}

function readRow(line: string): Row {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

/** The cell of the column `index`, where there is one. */
export function cellOf(row: Row, index: number): string {
  return row[index] ?? "";
}

/** What stands in backticks in `text`, in order. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** The files of the walk: JSON whose name is in the line before, TypeScript whose name is in its first line. */
export function filesOfThePage(): ProjectFiles {
  const json = [...PAGE.matchAll(/^`([^`]+)`:\n\n```json\n(.*?)^```/gms)];
  const typescript = [...PAGE.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```/gms)];
  return Object.fromEntries([...json, ...typescript].map(([, name = "", content]) => [name, content]));
}

export interface QuotedCommand {
  /** `sallyport ca-certificate create` */
  name: string;
  /** Without their dashes and values */
  flags: string[];
}

/** Every command of ours on the page, in tables, in the text and in the console. */
export function commandsOfThePage(): QuotedCommand[] {
  const commands = PAGE.matchAll(/(?:`|^\$ )(?:npx )?(sallyport(?: [a-z][a-z-]*)+)([^`\n|>]*)/gm);
  return [...commands].map(([, name = "", rest = ""]) => ({
    name,
    flags: [...rest.matchAll(/ --([a-z-]+)/g)].map(([, flag = ""]) => flag),
  }));
}

/** A message as the page quotes it, where `…` stands for anything. */
export function quotedPattern(quoted: string): RegExp {
  const parts = quoted.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
