/** The syntax tree of what esbuild made of a module: no TypeScript is left in it, and nothing that the worker would not have. */
import { type AnyNode, type Program, parse } from "acorn";

/** Where something stands in the code: line from 1, column from 0. */
export interface CodePosition {
  line: number;
  column: number;
}

/** @throws SyntaxError for syntax that is newer than the parser */
export function parseModule(code: string): Program {
  return parse(code, { ecmaVersion: "latest", sourceType: "module", locations: true });
}

/** All nodes below `program`, in no order. Without recursion: a long sum is a deep tree. */
export function* nodesOf(program: AnyNode): Generator<AnyNode> {
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

export function positionOf({ loc }: AnyNode): CodePosition {
  return { line: loc?.start.line ?? 1, column: loc?.start.column ?? 0 };
}
