/** Validates a piece of a project file with its zod schema and puts the issues into this project's words. */
import { z } from "zod";
import { below, type Place, report } from "./problem.ts";

type Issue = z.core.$ZodIssue;

const PRINTED_VALUE_MAX_CHARACTERS = 80;

/** The parsed value, or undefined after reporting every issue at its path below `place`. */
export function validate<Output>(schema: z.ZodType<Output>, value: unknown, place: Place): Output | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  reportIssues(result.error.issues, schema, value, place);
  return undefined;
}

/** Reports what `schema` found wrong with `value`, which stands at `place`. */
export function reportIssues(issues: readonly Issue[], schema: z.ZodType, value: unknown, place: Place): void {
  for (const issue of issues) report(below(place, ...issue.path), describeIssue(issue, schema, value, place));
}

/** What was found first, then what is allowed; lower case, no full stop. */
function describeIssue(issue: Issue, schema: z.ZodType, input: unknown, place: Place): string {
  const found = valueAt(input, issue.path);
  const name = String(issue.path.at(-1) ?? place.path.at(-1) ?? place.file);
  switch (issue.code) {
    case "unrecognized_keys":
      return `${issue.keys.map(print).join(", ")} ${issue.keys.length === 1 ? "is not a key" : "are no keys"} here, allowed: ${keysAt(schema, issue.path).join(", ")}`;
    case "invalid_type":
      if (found === undefined) return `"${name}" is missing, expected: ${issue.expected}`;
      return `${print(found)} is of the wrong type, expected: ${issue.expected}`;
    case "invalid_value":
      return `${print(found)} is not allowed here, allowed: ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `${print(found)} is too ${issue.origin === "number" ? "small" : "short"}, expected: ${issue.minimum} or more`;
    case "too_big":
      return `${print(found)} is too ${issue.origin === "number" ? "large" : "long"}, expected: ${issue.maximum} or less`;
    default:
      return /^[A-Z][a-z ]/.test(issue.message)
        ? issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
        : issue.message;
  }
}

/** The keys that the object schema at `path` knows. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return keysAt(schema.unwrap(), path);
  if (schema instanceof z.ZodArray) return keysAt(schema.element, path.slice(1));
  if (!(schema instanceof z.ZodObject)) return [];
  const [key, ...rest] = path;
  return key === undefined ? Object.keys(schema.shape) : keysAt(valueAt(schema.shape, [key]), rest);
}

/** The value at `path` inside `input`; undefined where there is none. */
function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function print(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= PRINTED_VALUE_MAX_CHARACTERS ? text : `${text.slice(0, PRINTED_VALUE_MAX_CHARACTERS)}…`;
}
