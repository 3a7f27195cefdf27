/**
 * What is wrong with a project, and where. A build collects every problem before it answers, so checks report
 * into a log and go on. Nothing here prints: the command does.
 */

/** One thing that is wrong, or, among warnings, one that is probably not what was meant. */
export interface Problem {
  /** Relative to the project, with forward slashes */
  file: string;
  /** Line from 1, column from 1; only for syntax errors, which have no path */
  location?: { line: number; column: number };
  /** JSON path inside the file; empty when the problem is the file itself */
  path: string;
  message: string;
  /** What to do about it */
  hint?: string;
}

export type JsonPath = readonly PropertyKey[];

export interface BuildLog {
  problems: Problem[];
  warnings: Problem[];
}

/** Where a value stands, and where to complain about it. */
export interface Place {
  file: string;
  path: JsonPath;
  log: BuildLog;
}

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** The place of something inside the value at `place`. */
export function below(place: Place, ...path: JsonPath): Place {
  return { ...place, path: [...place.path, ...path] };
}

export function report(place: Place, message: string, hint?: string): void {
  place.log.problems.push(problemAt(place, message, hint));
}

export function warn(place: Place, message: string, hint?: string): void {
  place.log.warnings.push(problemAt(place, message, hint));
}

function problemAt(place: Place, message: string, hint: string | undefined): Problem {
  return { file: place.file, path: formatJsonPath(place.path), message, ...(hint === undefined ? {} : { hint }) };
}

/** `["paths", "/v1", "get", 0]` → `paths["/v1"].get[0]`, as a program would write it. */
export function formatJsonPath(path: JsonPath): string {
  return path.map(formatKey).join("");
}

function formatKey(key: PropertyKey, index: number): string {
  if (typeof key === "number") return `[${key}]`;
  const name = String(key);
  if (!IDENTIFIER.test(name)) return `[${JSON.stringify(name)}]`;
  return index === 0 ? name : `.${name}`;
}

/** `config/policies.json: policies[0].name: …`, or `config/policies.json:3:7: …` for a syntax error. */
export function formatProblem({ file, location, path, message }: Problem): string {
  const position = location === undefined ? "" : `:${location.line}:${location.column}`;
  return escapeControls([file + position, path, message].filter((part) => part !== "").join(": "));
}

/** A name out of a file cannot break the line or steer the terminal. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same problem is found once by each route that leads to it; it is told once. */
export function withoutRepetition(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}
