/**
 * What only the sources say, read with the TypeScript compiler: the comments at the options of a schema, and the
 * reasons for which a policy rejects, which are unions of types. So each is written once.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
/** Stands for what a request brings in. */
export const ANY_TEXT = "…";

export interface SourceTypes {
  /** The comment at `path` (`["allow", "sans"]`) of the options of `RUNTIME_EXPORTS[exportName]` */
  readOptionComment(exportName: string, path: readonly string[]): string | undefined;
  /** One value for each member of the union `typeName`; texts in it are {@link ANY_TEXT} */
  createSamples(file: string, typeName: string): Sample[];
  /** String literals of `file` and of the modules below `folder` that it imports, directly or not */
  findLiterals(file: string, folder: string): Set<string>;
}

export interface Sample {
  kind: string;
  [property: string]: unknown;
}

const EXPORTS_FILE = "src/contract/runtime-exports.ts";

/** Takes seconds: to be called once. Types of the Workers runtime are left out, and nothing here needs them. */
export function loadSourceTypes(files: readonly string[]): SourceTypes {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2024.d.ts"],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  const program = ts.createProgram(
    [EXPORTS_FILE, ...files].map((file) => join(REPOSITORY, file)),
    options,
  );
  const checker = program.getTypeChecker();
  const optionTypes = new Map(readExports(program, checker));
  return {
    readOptionComment: (exportName, path) => readComment(checker, optionTypes.get(exportName), path),
    createSamples: (file, typeName) => sampleUnion(checker, findType(program, checker, file, typeName)),
    findLiterals: (file, folder) => findLiterals(program, file, folder),
  };
}

function moduleSymbols(program: ts.Program, checker: ts.TypeChecker, file: string): ts.Symbol[] {
  const source = program.getSourceFile(join(REPOSITORY, file));
  const symbol = source && checker.getSymbolAtLocation(source);
  if (!symbol) throw new TypeError(`"${file}" is not a module of the program`);
  return checker.getExportsOfModule(symbol);
}

function findType(program: ts.Program, checker: ts.TypeChecker, file: string, name: string): ts.Type {
  const symbol = moduleSymbols(program, checker, file).find((exported) => exported.name === name);
  if (!symbol) throw new TypeError(`"${file}" does not export "${name}"`);
  return symbol.flags & ts.SymbolFlags.TypeAlias
    ? checker.getDeclaredTypeOfSymbol(symbol)
    : checker.getTypeOfSymbol(symbol);
}

/** What users may write for each export of the runtime: the input of its schema. */
function readExports(program: ts.Program, checker: ts.TypeChecker): [string, ts.Type][] {
  const read = (type: ts.Type, name: string) => {
    const property = type.getProperty(name);
    if (!property) throw new TypeError(`a schema has no "${name}"`);
    return checker.getTypeOfSymbol(property);
  };
  const exports = findType(program, checker, EXPORTS_FILE, "RUNTIME_EXPORTS");
  return exports.getProperties().map((property) => {
    const schema = read(checker.getTypeOfSymbol(property), "options");
    return [property.name, read(read(schema, "_zod"), "input")];
  });
}

function readComment(
  checker: ts.TypeChecker,
  parent: ts.Type | undefined,
  [name, ...rest]: readonly string[],
): string | undefined {
  const property = name === undefined ? undefined : parent?.getProperty(name);
  if (!property) return undefined;
  if (rest.length > 0) return readComment(checker, elementOf(checker, checker.getTypeOfSymbol(property)), rest);
  const text = ts.displayPartsToString(property.getDocumentationComment(checker));
  return text === "" ? undefined : text.replaceAll("\n", " ");
}

/** `{ … }[] | undefined` → `{ … }` */
function elementOf(checker: ts.TypeChecker, type: ts.Type): ts.Type {
  const present = checker.getNonNullableType(type);
  return checker.isArrayType(present) ? (checker.getTypeArguments(present as ts.TypeReference)[0] ?? present) : present;
}

function sampleUnion(checker: ts.TypeChecker, type: ts.Type): Sample[] {
  const members = type.isUnion() ? type.types : [type];
  return members.map((member) => {
    const entries = member.getProperties().map((property) => {
      return [property.name, sampleValue(checker, checker.getTypeOfSymbol(property))];
    });
    return Object.fromEntries(entries) as Sample;
  });
}

/** Of a reason inside a reason the first: the policy that it comes from has them all. */
function sampleValue(checker: ts.TypeChecker, type: ts.Type): unknown {
  if (type.isStringLiteral()) return type.value;
  if (type.flags & ts.TypeFlags.String) return ANY_TEXT;
  if (checker.isArrayType(type)) return [ANY_TEXT];
  if (type.isUnion()) return sampleUnion(checker, type);
  throw new TypeError(`no sample can be made for ${checker.typeToString(type)}`);
}

function findLiterals(program: ts.Program, file: string, folder: string): Set<string> {
  const literals = new Set<string>();
  const seen = new Set<string>();
  const visitModule = (path: string) => {
    const source = program.getSourceFile(path);
    if (!source || seen.has(path)) return;
    seen.add(path);
    const visit = (node: ts.Node): void => {
      if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
        if (node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return;
        const target = join(path, "..", node.moduleSpecifier.text);
        if (target.startsWith(join(REPOSITORY, folder))) visitModule(target);
      } else if (ts.isStringLiteral(node) && !ts.isLiteralTypeNode(node.parent)) literals.add(node.text);
      ts.forEachChild(node, visit);
    };
    visit(source);
  };
  visitModule(join(REPOSITORY, file));
  return literals;
}
