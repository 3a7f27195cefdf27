/**
 * Literal names of mTLS certificates in the code of a module: `{ zuplo: { mtlsCertificate: "name" } }`, wherever such an
 * object stands, since options are often put together before they reach `fetch`. Reads what esbuild made of the module,
 * so there is no TypeScript left in it, and nothing that the worker would not have.
 */
import type { AnyNode, Expression, ObjectExpression, Property } from "acorn";
import { type CodePosition, nodesOf, parseModule, positionOf } from "./module-syntax.ts";

/** As `fetch` of the runtime reads it: the compatible key and our own. */
const OPTION_KEYS: ReadonlySet<string> = new Set(["zuplo", "sallyport"]);
const NAME_KEY = "mtlsCertificate";

export interface LiteralName extends CodePosition {
  name: string;
}

export type LiteralNames = { ok: true; names: LiteralName[] } | { ok: false; reason: string };

/** Not ok for syntax that is newer than the parser, never for a project that names no certificate. */
export function findCertificateNames(code: string): LiteralNames {
  if (!code.includes(NAME_KEY)) return { ok: true, names: [] };
  try {
    return { ok: true, names: [...nodesOf(parseModule(code))].flatMap(findNamesInNode) };
  } catch (error) {
    return { ok: false, reason: (error as Error).message };
  }
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

function literalAt(expression: Expression, name: string): LiteralName {
  return { name, ...positionOf(expression) };
}
