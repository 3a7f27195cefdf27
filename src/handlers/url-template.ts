/**
 * Compiles URL templates of handlers (src/contract/handler-options/template.ts): variables are filled in at load, and
 * what is left is read from each request. A request may fill in the places that the template has for it, and never
 * decides more than that: not the origin where the template names one, not a path by way of `..`.
 */
import { findUrlProblem } from "../contract/handler-options/forwarding.ts";
import { parseTemplate, type Template, type TemplateRoot } from "../contract/handler-options/template.ts";
import type { Variables } from "../contract/policy-options/validate-options.ts";
import type { ZuploContext } from "../runtime/context.ts";
import type { ZuploRequest } from "../runtime/request.ts";
import { compileExpression, type Place, type ReadText } from "./template-expression.ts";

/** Undefined when the request does not fit: the URL would not parse, or would lead elsewhere. */
export type EvaluateUrl = (request: ZuploRequest, context: ZuploContext, url: URL) => URL | undefined;

export type CompiledUrl = { ok: true; evaluate: EvaluateUrl } | { ok: false; message: string };

/** `isHttpsOnly`: a client certificate is going to be presented there. */
export function compileUrlTemplate(text: string, variables: Variables, isHttpsOnly: boolean): CompiledUrl {
  const parsed = parseTemplate(text);
  if (!parsed.ok) return { ok: false, message: parsed.reason };
  const unset = findUnsetVariable(parsed.template, variables);
  if (unset !== undefined) return { ok: false, message: `"\${env.${unset}}" is a variable that is not set` };
  const { parts, sample, isOriginFixed } = placeParts(fillInVariables(parsed.template, variables));
  if (!isOriginFixed) return { ok: true, evaluate: createEvaluate(parts, undefined) };
  const url = URL.parse(sample);
  const problem = findTemplateProblem(sample, url, isHttpsOnly);
  if (problem !== undefined) return { ok: false, message: `"${text}" ${problem}` };
  return { ok: true, evaluate: createEvaluate(parts, url?.origin) };
}

function findUnsetVariable(template: Template, variables: Variables): string | undefined {
  const names = template.flatMap((part) => (typeof part !== "string" && part.root === "env" ? part.path : []));
  return names.find((name) => !Object.hasOwn(variables, name) || variables[name] === undefined);
}

function fillInVariables(template: Template, variables: Variables): Template {
  return template.map((part) => {
    if (typeof part === "string" || part.root !== "env") return part;
    const value = variables[part.path[0] ?? ""] ?? "";
    return part.isEncoded ? encodeURIComponent(value) : value;
  });
}

/** Stands for a value in the sample, where "x" would not. */
const SAMPLE_VALUES: Partial<Record<TemplateRoot, string>> = {
  pathname: "/x",
  search: "?x",
  url: "https://x/",
  origin: "https://x",
  protocol: "https:",
};

interface PlacedParts {
  parts: (string | ReadText)[];
  /** The URL as far as it is known at load */
  sample: string;
  /** No value of a request stands in the origin */
  isOriginFixed: boolean;
}

function placeParts(template: Template): PlacedParts {
  const placed: PlacedParts = { parts: [], sample: "", isOriginFixed: true };
  for (const part of template) {
    if (typeof part === "string") {
      placed.parts.push(part);
      placed.sample += part;
      continue;
    }
    const place = findPlace(placed.sample);
    // These two end an origin by themselves: one begins with "/", the other is empty or begins with "?"
    if (place === "origin" && part.root !== "pathname" && part.root !== "search") placed.isOriginFixed = false;
    placed.parts.push(compileExpression(part, place));
    placed.sample += SAMPLE_VALUES[part.root] ?? "x";
  }
  return placed;
}

function findPlace(before: string): Place {
  if (/[?#]/.test(before)) return "query";
  return /^(?:[a-z][a-z\d+.-]*:[/\\]*[^/\\]*)?$/i.test(before) ? "origin" : "path";
}

/** `.` and `..` between slashes, as the URL parser reads them: also encoded, also behind a backslash. */
const DOT_SEGMENT = /[/\\](?:\.|%2e){1,2}(?=[/\\]|$)/i;

/** The URL parser drops these characters before it looks for anything. */
const IGNORED_CHARACTERS = /[\t\n\r]/g;

function hasDotSegment(text: string): boolean {
  const [path = ""] = text.replace(IGNORED_CHARACTERS, "").split(/[?#]/, 1);
  return DOT_SEGMENT.test(path);
}

function findTemplateProblem(sample: string, url: URL | null, isHttpsOnly: boolean): string | undefined {
  const problem = findUrlProblem(url);
  if (problem !== undefined) return problem;
  if (hasDotSegment(sample)) return 'has "." or ".." between slashes, expected the path that is meant';
  return isHttpsOnly && url?.protocol !== "https:"
    ? "is an http URL, expected https: a client certificate is to be presented there"
    : undefined;
}

function createEvaluate(parts: readonly (string | ReadText)[], fixedOrigin: string | undefined): EvaluateUrl {
  return function evaluateUrl(request, context, url) {
    const scope = { request, context, url };
    const text = parts.map((part) => (typeof part === "string" ? part : part(scope))).join("");
    const target = URL.parse(text);
    if (!target || findUrlProblem(target) !== undefined || hasDotSegment(text)) return undefined;
    return fixedOrigin === undefined || target.origin === fixedOrigin ? target : undefined;
  };
}
