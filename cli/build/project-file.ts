/**
 * Reads one JSON file of a project. `JSON.parse` has the last word on what is JSON; esbuild, which the worker is
 * bundled with anyway, says where an error is and whether a key stands twice (`JSON.parse` would drop the first).
 */
import { open } from "node:fs/promises";
import { type Message, type TransformFailure, transform } from "esbuild";
import type { JsonValue } from "../../src/contract/project.ts";
import { type BuildLog, below, type Place, report } from "./problem.ts";

/** Far above any project seen; a worker has to parse the definition when it starts. */
const PROJECT_FILE_MAX_BYTES = 4 * 1024 * 1024;
/** Deeper JSON is no OpenAPI document, and would overflow the stack of whoever walks it. */
const JSON_MAX_DEPTH = 128;
const BYTE_ORDER_MARK = /^\uFEFF/;

export interface ProjectFile {
  /** Relative to the project, with forward slashes */
  file: string;
  value: JsonValue;
}

/** The file's content, undefined after a problem was reported, `missing` when there is no such file. */
export async function readProjectFile(
  path: string,
  file: string,
  log: BuildLog,
): Promise<ProjectFile | "missing" | undefined> {
  const place: Place = { file, path: [], log };
  const text = await readText(path, PROJECT_FILE_MAX_BYTES).catch((error: NodeJS.ErrnoException) => error);
  if (text instanceof Error) {
    if (text.code === "ENOENT") return "missing";
    report(place, `cannot be read: ${text.message}`);
    return undefined;
  }
  return parseProjectFile(text, place);
}

/** At most `maxBytes` of a regular file; more is an error, and a file that grows while it is read is too. */
async function readText(path: string, maxBytes: number): Promise<string> {
  await using handle = await open(path);
  const { size } = await handle.stat();
  if (size > maxBytes) throw new RangeError(`${size} bytes are too many, allowed: ${maxBytes}`);
  return handle.readFile("utf8");
}

async function parseProjectFile(fileText: string, place: Place): Promise<ProjectFile | undefined> {
  const text = fileText.replace(BYTE_ORDER_MARK, "");
  const problemsBefore = place.log.problems.length;
  await reportSyntax(text, place);
  const value = parseJson(text, place, problemsBefore);
  if (value === undefined) return undefined;
  reportHazards(value, place);
  return place.log.problems.length === problemsBefore ? { file: place.file, value } : undefined;
}

async function reportSyntax(text: string, place: Place): Promise<void> {
  for (const { text: message, location } of await findSyntaxMessages(text)) {
    const position = location === null ? {} : { location: { line: location.line, column: location.column + 1 } };
    const problem = { file: place.file, path: "", message: message.replace(/^[A-Z](?=[a-z])/, lower) };
    place.log.problems.push({ ...problem, ...position });
  }
}

/** Errors, and the one warning that esbuild has for JSON: a key that stands twice. */
function findSyntaxMessages(text: string): Promise<readonly Message[]> {
  return transform(text, { loader: "json", logLevel: "silent" }).then(
    ({ warnings }) => warnings,
    (failure: TransformFailure) => failure.errors ?? [],
  );
}

function lower(letter: string): string {
  return letter.toLowerCase();
}

/** Reports only what {@link reportSyntax} did not find: the two parsers should agree, but this one decides. */
function parseJson(text: string, place: Place, problemsBefore: number): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (place.log.problems.length === problemsBefore) report(place, `is not JSON: ${(error as Error).message}`);
    return undefined;
  }
}

/** Nesting that overflows a stack, and the one key that would set a prototype in the generated module. */
function reportHazards(root: JsonValue, place: Place): void {
  const pending: { value: JsonValue; place: Place }[] = [{ value: root, place }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, place: here } = next;
    if (typeof value !== "object" || value === null) continue;
    if (here.path.length - place.path.length >= JSON_MAX_DEPTH) {
      report(place, `is nested too deeply, allowed: ${JSON_MAX_DEPTH} levels`);
      return;
    }
    for (const [key, child] of Object.entries(value)) {
      const childPlace = below(here, Array.isArray(value) ? Number(key) : key);
      if (key === "__proto__") report(childPlace, `"__proto__" is not allowed as a key`);
      pending.push({ value: child, place: childPlace });
    }
  }
}
