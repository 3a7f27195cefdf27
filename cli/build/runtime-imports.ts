/**
 * What a module imports from the runtime by name and the runtime does not have: for a project that comes from Zuplo, the
 * parts of Zuplo's runtime that are not here. Reads what esbuild made of the module, in which types are gone.
 */
import { type AnyNode, type ImportDeclaration, parse } from "acorn";
import { RUNTIME_MODULES } from "../../src/contract/project-files/selectors.ts";
import { RUNTIME_MODULE_EXPORTS } from "../../src/contract/runtime-module.ts";

export interface UnsupportedImport {
  name: string;
  module: string;
  /** Where it stands in the code: line from 1, column from 0 */
  line: number;
  column: number;
}

/** None for syntax that is newer than the parser: wrangler will say it then. */
export function findUnsupportedImports(code: string): UnsupportedImport[] {
  if (!RUNTIME_MODULES.some((module) => code.includes(module))) return [];
  try {
    const { body } = parse(code, { ecmaVersion: "latest", sourceType: "module", locations: true });
    return body.flatMap(findInStatement);
  } catch {
    return [];
  }
}

/** There is no other statement to look at: esbuild makes an import of `export … from` a package. */
function findInStatement(statement: AnyNode): UnsupportedImport[] {
  if (statement.type !== "ImportDeclaration") return [];
  const module = String(statement.source.value);
  if (!RUNTIME_MODULES.includes(module)) return [];
  return statement.specifiers.flatMap((specifier) => {
    const node = importedName(specifier);
    if (node === undefined) return [];
    const name = node.type === "Identifier" ? node.name : String(node.value);
    const { line = 1, column = 0 } = node.loc?.start ?? {};
    return RUNTIME_MODULE_EXPORTS.includes(name) ? [] : [{ name, module, line, column }];
  });
}

/** Of a default import that is its local name, which says more than `default`. A namespace has what it has. */
function importedName(specifier: ImportDeclaration["specifiers"][number]) {
  switch (specifier.type) {
    case "ImportSpecifier":
      return specifier.imported;
    case "ImportDefaultSpecifier":
      return specifier.local;
    case "ImportNamespaceSpecifier":
      return undefined;
  }
}
