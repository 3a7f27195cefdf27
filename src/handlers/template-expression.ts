/** Compiles one expression of a template to a function that reads its value. Own members only, no prototype is seen. */
import type { TemplateExpression } from "../contract/handler-options/template.ts";
import type { ZuploContext } from "../runtime/context.ts";
import type { ZuploRequest } from "../runtime/request.ts";

/** What a template can read. */
export interface Scope {
  request: ZuploRequest;
  context: ZuploContext;
  /** Of the request */
  url: URL;
}

export type ReadText = (scope: Scope) => string;

/** Where in a URL an expression stands, which decides how its value is written. */
export type Place = "origin" | "path" | "query";

/** A value that is not there, or is no text, number or boolean, is written as nothing. */
export function compileExpression(expression: TemplateExpression, place: Place): ReadText {
  const read = compileRead(expression);
  const encode = chooseEncoding(expression, place);
  return (scope) => encode(printValue(read(scope)));
}

function printValue(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/**
 * Values are written as they are unless the template says `e(…)`. Parameters of the path are the exception: routing
 * decoded them, and what was `%2F` or `%3F` there must not become a `/` or `?` here.
 */
function chooseEncoding({ root, isEncoded }: TemplateExpression, place: Place): (text: string) => string {
  if (isEncoded) return encodeURIComponent;
  if (root !== "params") return (text) => text;
  return place === "path" ? (text) => text.split("/").map(encodeURIComponent).join("/") : encodeURIComponent;
}

function compileRead({ root, path }: TemplateExpression): (scope: Scope) => unknown {
  const [first = "", ...rest] = path;
  switch (root) {
    case "request":
      return ({ request }) => readPath(request[first as keyof ZuploRequest], rest);
    case "context":
      return ({ context }) => readPath(context[first as keyof ZuploContext], rest);
    case "params":
    case "query":
      return ({ request }) => readPath(request[root], path);
    case "headers":
      return ({ request }) => readPath(request.headers, path);
    case "env":
      return () => undefined; // filled in at load
    case "method":
      return ({ request }) => request.method;
    case "url":
      return ({ url }) => url.href;
    default:
      return ({ url }) => url[root];
  }
}

function readPath(value: unknown, path: readonly string[]): unknown {
  return path.reduce(readMember, value);
}

function readMember(value: unknown, name: string): unknown {
  if (value instanceof Headers) return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? value.get(name) : undefined;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
