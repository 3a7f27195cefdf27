/**
 * Options of policies and handlers as they stand in project files, with `$env(NAME)` in them. The build validates
 * what it can without knowing any variable; the worker resolves the variables and validates everything.
 */
import type { z } from "zod";
import type { JsonObject, JsonValue } from "../project.ts";

const VARIABLE_ALONE = /^\$env\(([^()]*)\)$/;
const VARIABLE = /\$env\(([^()]*)\)/g;

/** Variables by name; `undefined` is a variable that is not set. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** One thing that is wrong with options. `path` leads into the options as they stand in the file. */
export interface OptionIssue {
  path: PropertyKey[];
  message: string;
}

export type OptionsResult<Options> = { ok: true; options: Options } | { ok: false; issues: OptionIssue[] };

/**
 * Reports options that are there and undefined, for schemas whose options narrow who is let in: a variable that is not
 * set must not make a rule vanish.
 */
export function reportUnsetOptions(options: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined) continue;
    const message = `"${option}" comes from a variable that is not set, and a rule that is not there would let more in`;
    context.addIssue({ code: "custom", path: [option], message });
  }
}

/** JSON in which a variable that is not set left `undefined` behind. */
type ResolvedValue = JsonValue | undefined | ResolvedValue[] | { [key: string]: ResolvedValue };

/**
 * Replaces every `$env(NAME)`: alone it becomes the variable's value or undefined, inside a longer string an unset
 * name becomes empty. The key stays, so that a schema can tell "not given" from "given by a variable that is not set".
 */
export function resolveVariables(value: JsonValue, variables: Variables): ResolvedValue {
  if (typeof value === "string") return resolveText(value, variables);
  if (Array.isArray(value)) return value.map((item) => resolveVariables(item, variables));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveVariables(item, variables)]));
}

function resolveText(text: string, variables: Variables): string | undefined {
  const alone = VARIABLE_ALONE.exec(text);
  if (alone) return readVariable(alone[1] ?? "", variables);
  return text.replace(VARIABLE, (_, name: string) => readVariable(name, variables) ?? "");
}

function readVariable(name: string, variables: Variables): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

/** Worker: resolves the variables and validates. A variable that stands alone may give a boolean or a number. */
export function validateOptions<Options>(
  schema: z.ZodType<Options>,
  raw: JsonObject,
  variables: Variables,
): OptionsResult<Options> {
  const resolved = resolveVariables(raw, variables);
  const first = schema.safeParse(resolved);
  if (first.success) return { ok: true, options: first.data };
  const coerced = first.error.issues.reduce((value, issue) => coerceAt(value, raw, issue), resolved);
  const second = schema.safeParse(coerced);
  return second.success ? { ok: true, options: second.data } : { ok: false, issues: second.error.issues };
}

/** Build: what is wrong whatever the variables are. Says nothing about values that contain `$env(…)`. */
export function findOptionIssues(schema: z.ZodType, raw: JsonObject): z.core.$ZodIssue[] {
  const parsed = schema.safeParse(raw);
  return parsed.success ? [] : parsed.error.issues.filter((issue) => !hasVariable(valueAt(raw, issue.path)));
}

/** Names a variable anywhere in a string, so that its final value is not known before the worker loads. */
function hasVariable(value: ResolvedValue): boolean {
  return typeof value === "string" && value.search(VARIABLE) !== -1;
}

function valueAt(value: ResolvedValue, path: readonly PropertyKey[]): ResolvedValue {
  return path.reduce<ResolvedValue>(
    (parent, key) =>
      typeof parent === "object" && parent !== null ? (parent as Record<PropertyKey, ResolvedValue>)[key] : undefined,
    value,
  );
}

/** `"true"` where a boolean is expected and `"5"` where a number is, if the text is all of one variable. */
function coerceAt(value: ResolvedValue, raw: JsonValue, issue: z.core.$ZodIssue): ResolvedValue {
  const text = valueAt(value, issue.path);
  const source = valueAt(raw, issue.path);
  if (issue.code !== "invalid_type" || typeof text !== "string") return value;
  if (typeof source !== "string" || !VARIABLE_ALONE.test(source)) return value;
  const coerced = coerceText(text, issue.expected);
  return coerced === undefined ? value : replaceAt(value, issue.path, coerced);
}

function coerceText(text: string, expected: string): boolean | number | undefined {
  if (expected === "boolean" && (text === "true" || text === "false")) return text === "true";
  const number = Number(text);
  return expected === "number" && text.trim() !== "" && Number.isFinite(number) ? number : undefined;
}

/** A copy of `value` with `leaf` at `path`. */
function replaceAt(value: ResolvedValue, path: readonly PropertyKey[], leaf: ResolvedValue): ResolvedValue {
  const [key, ...rest] = path;
  if (key === undefined) return leaf;
  if (Array.isArray(value)) return value.map((item, index) => (index === key ? replaceAt(item, rest, leaf) : item));
  const parent = value as { [key: string]: ResolvedValue };
  return { ...parent, [String(key)]: replaceAt(parent[String(key)], rest, leaf) };
}
