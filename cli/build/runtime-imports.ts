/**
 * What a module takes from the runtime and the runtime does not have: for a project that comes from Zuplo, the parts of
 * Zuplo's runtime that are not here. Reads what esbuild made of the module, in which types are gone.
 */
import type { AnyNode, ImportDeclaration, MemberExpression, Program } from "acorn";
import { RUNTIME_MODULES } from "../../src/contract/project-files/selectors.ts";
import { RUNTIME_MODULE_EXPORTS } from "../../src/contract/runtime-module.ts";
import { type CodePosition, nodesOf, parseModule, positionOf } from "./module-syntax.ts";

export interface UnsupportedImport extends CodePosition {
  name: string;
  module: string;
}

export interface UnsupportedMember extends CodePosition {
  name: string;
}

export interface UnsupportedUse {
  /** By name, or as members of a namespace: the module cannot work */
  imports: UnsupportedImport[];
  /** Of Zuplo's context, by names that nothing else has: told, since the object may be another one */
  contextMembers: UnsupportedMember[];
}

const NOTHING: UnsupportedUse = { imports: [], contextMembers: [] };

/** Members of Zuplo's `ZuploContext` that the one here does not have */
export const MISSING_CONTEXT_MEMBERS: readonly string[] = ["invokeRoute", "parentContext", "analyticsContext"];

/** Nothing for syntax that is newer than the parser: wrangler will say it then. */
export function findUnsupportedUse(code: string): UnsupportedUse {
  if (![...RUNTIME_MODULES, ...MISSING_CONTEXT_MEMBERS].some((word) => code.includes(word))) return NOTHING;
  try {
    const program = parseModule(code);
    const members = [...nodesOf(program)].filter((node) => node.type === "MemberExpression" && !node.computed);
    return {
      imports: [...findImports(program), ...findNamespaceMembers(program, members as MemberExpression[])],
      contextMembers: members.flatMap(findContextMember),
    };
  } catch {
    return NOTHING;
  }
}

/** There is no other statement to look at: esbuild makes an import of `export … from` a package. */
function importsOfRuntime({ body }: Program): ImportDeclaration[] {
  return body.filter(
    (statement) => statement.type === "ImportDeclaration" && RUNTIME_MODULES.includes(String(statement.source.value)),
  ) as ImportDeclaration[];
}

function findImports(program: Program): UnsupportedImport[] {
  return importsOfRuntime(program).flatMap(({ source, specifiers }) =>
    specifiers.flatMap((specifier) => {
      const node = importedName(specifier);
      if (node === undefined) return [];
      const name = node.type === "Identifier" ? node.name : String(node.value);
      return describeUnsupported(name, String(source.value), node);
    }),
  );
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

/** `zuplo.ZoneCache` after `import * as zuplo` */
function findNamespaceMembers(program: Program, members: readonly MemberExpression[]): UnsupportedImport[] {
  const modules = new Map(
    importsOfRuntime(program).flatMap(({ source, specifiers }) =>
      specifiers
        .filter(({ type }) => type === "ImportNamespaceSpecifier")
        .map(({ local }) => [local.name, String(source.value)] as const),
    ),
  );
  return members.flatMap(({ object, property }) => {
    const module = object.type === "Identifier" ? modules.get(object.name) : undefined;
    return module === undefined ? [] : describeUnsupported((property as { name: string }).name, module, property);
  });
}

function describeUnsupported(name: string, module: string, node: AnyNode): UnsupportedImport[] {
  return RUNTIME_MODULE_EXPORTS.includes(name) ? [] : [{ name, module, ...positionOf(node) }];
}

function findContextMember(node: AnyNode): UnsupportedMember[] {
  const { property } = node as MemberExpression;
  if (property.type !== "Identifier" || !MISSING_CONTEXT_MEMBERS.includes(property.name)) return [];
  return [{ name: property.name, ...positionOf(property) }];
}
