/**
 * Literal names of mTLS certificates in the code of a module: `{ zuplo: { mtlsCertificate: "name" } }`, wherever such an
 * object stands, since options are often put together before they reach `fetch`. Reads what esbuild made of the module,
 * so there is no TypeScript left in it, and nothing that the worker would not have.
 */
import { type AnyNode, type Expression, type ObjectExpression, type Property, parse } from "acorn";

/** As `fetch` of the runtime reads it: the compatible key and our own. */
const OPTION_KEYS: ReadonlySet<string> = new Set(["zuplo", "sallyport"]);
const NAME_KEY = "mtlsCertificate";

/** Where a name stands in the code: line from 1, column from 0. */
export interface LiteralName {
  name: string;
  line: number;
  column: number;
}

export type LiteralNames = { ok: true; names: LiteralName[] } | { ok: false; reason: string };

/** Not ok for syntax that is newer than the parser, never for a project that names no certificate. */
export function findCertificateNames(code: string): LiteralNames {
  if (!code.includes(NAME_KEY)) return { ok: true, names: [] };
  try {
    const program = parse(code, { ecmaVersion: "latest", sourceType: "module", locations: true });
    return { ok: true, names: [...nodesOf(program)].flatMap(findNamesInNode) };
  } catch (error) {
    return { ok: false, reason: (error as Error).message };
  }
}

/** Without recursion: a long sum is a deep tree. */
function* nodesOf(program: AnyNode): Generator<AnyNode> {
  const pending: unknown[] = [program];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== "object" || value === null) continue;
    if (isNode(value)) yield value;
    for (const child of Object.values(value)) pending.push(child);
  }
}

function isNode(value: object): value is AnyNode {
  return "type" in value && typeof value.type === "string";
}

function findNamesInNode(node: AnyNode): LiteralName[] {
  const isOptions = node.type === "Property" && OPTION_KEYS.has(keyOf(node) ?? "");
  return isOptions && node.value.type === "ObjectExpression" ? namesInOptions(node.value) : [];
}

function namesInOptions({ properties }: ObjectExpression): LiteralName[] {
  return properties.flatMap((property) =>
    property.type === "Property" && keyOf(property) === NAME_KEY ? literalsOf(property.value) : [],
  );
}

/** Undefined for a key that is not known before the code runs. */
function keyOf({ key, computed }: Pick<Property, "key" | "computed">): string | undefined {
  if (key.type === "Identifier" && !computed) return key.name;
  return key.type === "Literal" && typeof key.value === "string" ? key.value : undefined;
}

/** Each of several that a condition chooses from is in use. */
function literalsOf(expression: Expression): LiteralName[] {
  switch (expression.type) {
    case "Literal":
      return typeof expression.value === "string" ? [literalAt(expression, expression.value)] : [];
    case "TemplateLiteral": {
      const text = expression.expressions.length === 0 ? expression.quasis[0]?.value.cooked : undefined;
      return typeof text === "string" ? [literalAt(expression, text)] : [];
    }
    case "ConditionalExpression":
      return [...literalsOf(expression.consequent), ...literalsOf(expression.alternate)];
    case "LogicalExpression":
      return [...literalsOf(expression.left), ...literalsOf(expression.right)];
    default:
      return [];
  }
}

function literalAt({ loc }: Expression, name: string): LiteralName {
  return { name, line: loc?.start.line ?? 1, column: loc?.start.column ?? 0 };
}
