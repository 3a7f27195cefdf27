/**
 * Templates in the options of handlers: `https://${env.HOST}/v2/${e(params.id)}`. Only property paths from a fixed set
 * of names, read by our own parser; nothing is ever evaluated as code. Build and worker parse with this one function.
 */

/** A place in a template that is filled from the variables or from the request. */
export interface TemplateExpression {
  root: TemplateRoot;
  /** Names of members from `root` on; empty for the parts of the URL */
  path: readonly string[];
  /** Written as `encodeURIComponent(…)` or `e(…)` */
  isEncoded: boolean;
}

/** Text and expressions in the order in which they stand. */
export type Template = readonly (string | TemplateExpression)[];

export type ParsedTemplate = { ok: true; template: Template } | { ok: false; reason: string };

/** Members that may follow `request` and `context`. What is not here (a body, a function) has no place in a URL. */
const OBJECT_MEMBERS = {
  request: ["url", "method", "headers", "params", "query", "user"],
  context: ["requestId", "contextId", "custom", "incomingRequestProperties", "route"],
} as const;

/** Followed by exactly one name. */
const RECORD_ROOTS = ["env", "params", "query", "headers"] as const;

/** Members of the request's URL, and its method: complete by themselves. */
const TEXT_ROOTS = ["url", "host", "hostname", "pathname", "port", "search", "method", "origin", "protocol"] as const;

export type ObjectRoot = keyof typeof OBJECT_MEMBERS;
export type RecordRoot = (typeof RECORD_ROOTS)[number];
export type TextRoot = (typeof TEXT_ROOTS)[number];
export type TemplateRoot = ObjectRoot | RecordRoot | TextRoot;

const ROOTS: readonly TemplateRoot[] = ["request", "context", ...RECORD_ROOTS, ...TEXT_ROOTS];

const EXPRESSION = /\$\{([^{}]*)\}/g;
const ENCODED = /^(?:encodeURIComponent|e)\((.*)\)$/s;
const PROPERTY_PATH = /^([A-Za-z]+)((?:\.[A-Za-z_$][\w$]*|\[\d+\]|\["[^"\\]*"\]|\['[^'\\]*'\])*)$/;
const SEGMENT = /\.([A-Za-z_$][\w$]*)|\[(\d+)\]|\["([^"\\]*)"\]|\['([^'\\]*)'\]/g;

/** `reason` names what is wrong, and what is allowed. */
export function parseTemplate(text: string): ParsedTemplate {
  const template: (string | TemplateExpression)[] = [];
  let end = 0;
  for (const match of text.matchAll(EXPRESSION)) {
    const parsed = parseExpression(match[1] ?? "");
    if (typeof parsed === "string") return { ok: false, reason: `"${match[0]}" ${parsed}` };
    if (match.index > end) template.push(text.slice(end, match.index));
    template.push(parsed);
    end = match.index + match[0].length;
  }
  if (end < text.length) template.push(text.slice(end));
  const open = template.find((part) => typeof part === "string" && part.includes("${"));
  if (open !== undefined) return { ok: false, reason: `"${String(open)}" has a "\${" that does not end with "}"` };
  return { ok: true, template };
}

function parseExpression(text: string): TemplateExpression | string {
  const inner = text.trim();
  const argument = ENCODED.exec(inner)?.[1]?.trim();
  const match = PROPERTY_PATH.exec(argument ?? inner);
  if (!match) return `is not a property path, allowed: \${root.name}, \${root["name"]}, \${e(root.name)}`;
  const root = ROOTS.find((name) => name === match[1]);
  if (!root) return `begins with "${match[1]}", allowed: ${ROOTS.join(", ")}`;
  const path = [...(match[2] ?? "").matchAll(SEGMENT)].map(([, ...names]) => names.find((name) => name !== undefined));
  const expression = { root, path: path.filter((name) => name !== undefined), isEncoded: argument !== undefined };
  return findPathProblem(expression) ?? expression;
}

function findPathProblem({ root, path }: TemplateExpression): string | undefined {
  if (root === "request" || root === "context") {
    const members: readonly string[] = OBJECT_MEMBERS[root];
    return members.includes(path[0] ?? "")
      ? undefined
      : `does not name a member of "${root}", allowed: ${members.join(", ")}`;
  }
  const length = RECORD_ROOTS.some((name) => name === root) ? 1 : 0;
  if (path.length === length) return undefined;
  return length === 1 ? `does not name one member of "${root}"` : `names a member of "${root}", which is text`;
}
