/** Texts that only the sources have, read from their syntax trees: no type checker, which would take seconds. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** Stands for what is only known when a text is said, as on the page. */
export const ANY_TEXT = "…";

/** Where in a module the wanted texts stand. */
export type Place =
  /** An argument of a call, the first by default; `log.error` is the method of anything whose last name is `log` */
  | { call: string; argument?: number }
  | { returnsOf: string }
  /** Of an object */
  | { property: string }
  /** What a variable is declared with, and assigned later */
  | { variable: string }
  /** Members of a union of literals */
  | { type: string }
  /** Names of the members of an object that is declared as a variable */
  | { keysOf: string };

export function readSource(file: string): string {
  return readFileSync(join(REPOSITORY, file), "utf8");
}

/** TypeScript modules below `folder`, declarations and what is written into new projects left out. */
export function listModules(folder: string): string[] {
  const names = readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: "utf8" });
  return names
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts") && !name.includes("/template/"))
    .sort();
}

const parsed = new Map<string, ts.SourceFile>();

export function parseSource(file: string): ts.SourceFile {
  const source = parsed.get(file) ?? ts.createSourceFile(file, readSource(file), ts.ScriptTarget.Latest, true);
  parsed.set(file, source);
  return source;
}

/** @throws TypeError for a place where nothing stands any more: a renamed function must not empty a catalogue */
export function findTexts(file: string, ...places: Place[]): string[] {
  return places.flatMap((place) => {
    const found = visit(parseSource(file), (node) => textsAt(node, place));
    if (found.length === 0) throw new TypeError(`${file}: nothing is at ${JSON.stringify(place)}`);
    return found;
  });
}

/** The same in all modules below `folder`, of which most have none of these places. */
export function findTextsBelow(folder: string, places: readonly Place[]): string[] {
  return listModules(folder).flatMap((file) =>
    visit(parseSource(file), (node) => places.flatMap((place) => textsAt(node, place))),
  );
}

/** String literals of a module that have this form, wherever they stand. */
export function findLiterals(file: string, form: RegExp): string[] {
  return visit(parseSource(file), (node) => (ts.isStringLiteral(node) && form.test(node.text) ? [node.text] : []));
}

/** Everything that `read` finds, in the order of the source. */
export function visit<Found>(node: ts.Node, read: (node: ts.Node) => Found[]): Found[] {
  return [...read(node), ...node.getChildren().flatMap((child) => visit(child, read))];
}

function textsAt(node: ts.Node, place: Place): string[] {
  if ("call" in place) return isCallOf(node, place.call) ? textsOf(node.arguments[place.argument ?? 0]) : [];
  if ("property" in place) return propertyTexts(node, place.property);
  if ("returnsOf" in place) return isFunctionNamed(node, place.returnsOf) ? visit(node, returnedTexts) : [];
  if ("type" in place)
    return ts.isTypeAliasDeclaration(node) && node.name.text === place.type ? unionTexts(node.type) : [];
  if ("keysOf" in place) return isVariableNamed(node, place.keysOf) ? keysOf(node.initializer) : [];
  return variableTexts(node, place.variable);
}

/** `refuse(…)` and `anything.refuse(…)` for "refuse"; `context.log.warn(…)` for "log.warn" */
export function isCallOf(node: ts.Node, name: string): node is ts.CallExpression {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false;
  const words = node.expression.getText().replaceAll("?", "").replaceAll("#", "").split(".");
  return words.slice(-name.split(".").length).join(".") === name;
}

function isFunctionNamed(node: ts.Node, name: string): boolean {
  return (ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node)) && node.name?.text === name;
}

function isVariableNamed(node: ts.Node, name: string): node is ts.VariableDeclaration {
  return ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.name.text === name;
}

function variableTexts(node: ts.Node, name: string): string[] {
  if (isVariableNamed(node, name)) return textsOf(node.initializer);
  const isAssignment = ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return isAssignment && node.left.getText() === name ? textsOf(node.right) : [];
}

function propertyTexts(node: ts.Node, name: string): string[] {
  return ts.isPropertyAssignment(node) && node.name.getText() === name ? textsOf(node.initializer) : [];
}

function returnedTexts(node: ts.Node): string[] {
  return ts.isReturnStatement(node) ? textsOf(node.expression) : [];
}

function unionTexts(type: ts.TypeNode): string[] {
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(unionTexts);
  return ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : [];
}

function keysOf(node: ts.Node | undefined): string[] {
  const object = node && withoutType(node);
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return [];
  return object.properties.flatMap(({ name }) => (name && ts.isComputedPropertyName(name) ? [] : [nameText(name)]));
}

function nameText(name: ts.PropertyName | undefined): string {
  return name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? name.text : "";
}

function withoutType(node: ts.Node): ts.Node {
  return ts.isAsExpression(node) || ts.isSatisfiesExpression(node) ? withoutType(node.expression) : node;
}

/** Each text that the expression may be; what is put into one is {@link ANY_TEXT}. */
export function textsOf(node: ts.Node | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node)) {
    return [[node.head.text, ...node.templateSpans.map(({ literal }) => ANY_TEXT + literal.text)].join("")];
  }
  if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression);
  const isChoice = ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken;
  return isChoice ? [...textsOf(node.left), ...textsOf(node.right)] : [];
}

export interface Sample {
  kind: string;
  [property: string]: unknown;
}

/** One value for each member of the union of objects `type`: texts in it are {@link ANY_TEXT}. */
export function createSamples(file: string, type: string): Sample[] {
  const alias = parseSource(file).statements.find(
    (statement) => ts.isTypeAliasDeclaration(statement) && statement.name.text === type,
  ) as ts.TypeAliasDeclaration | undefined;
  if (alias === undefined || !ts.isUnionTypeNode(alias.type)) throw new TypeError(`${file}: "${type}" is no union`);
  return alias.type.types.map((member) => {
    const members = ts.isTypeLiteralNode(member) ? member.members.filter(ts.isPropertySignature) : [];
    return Object.fromEntries(members.map(({ name, type }) => [nameText(name), sampleOf(type)])) as Sample;
  });
}

function sampleOf(type: ts.TypeNode | undefined): unknown {
  if (type === undefined) throw new TypeError("a property has no type");
  if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)) return type.literal.text;
  return ts.isArrayTypeNode(type) ? [ANY_TEXT] : ANY_TEXT;
}

/** Numbers in the object that is declared as `variable`, by name. */
export function findNumbers(file: string, variable: string): Record<string, number> {
  const entries = visit(parseSource(file), (node) => {
    const object = isVariableNamed(node, variable) && node.initializer ? withoutType(node.initializer) : undefined;
    if (object === undefined || !ts.isObjectLiteralExpression(object)) return [];
    return object.properties
      .filter(ts.isPropertyAssignment)
      .map(({ name, initializer }) => [nameText(name), Number(initializer.getText())] as const);
  });
  return Object.fromEntries(entries);
}
