/** Events and messages of the log at the levels that ask for somebody: `warn` and `error`. */
import ts from "typescript";
import { isCallOf, listModules, parseSource, readSource, textsOf, visit } from "./troubleshooting-sources.ts";

const LEVELS = ["warn", "error", "fatal"];

export interface LogEvent {
  event: string;
  level: string;
}

/** `event` of each `logger.warn(…)` and `logger.error(…)` below `folder`. @throws TypeError for one without */
export function findEvents(folder: string): LogEvent[] {
  return LEVELS.flatMap((level) =>
    callsBelow(folder, [`logger.${level}`]).map((call) => {
      const event = call.arguments[0] && findEvent(call.arguments[0]);
      if (event === undefined) throw new TypeError(`${call.getSourceFile().fileName}: no event in ${call.getText()}`);
      return { event, level };
    }),
  );
}

function callsBelow(folder: string, names: readonly string[]): ts.CallExpression[] {
  const isWanted = (node: ts.Node): node is ts.CallExpression => names.some((name) => isCallOf(node, name));
  return listModules(folder).flatMap((file) => {
    // A look at the text spares most of them a syntax tree.
    if (!names.some((name) => readSource(file).includes(name.split(".").at(-1) ?? name))) return [];
    return visit(parseSource(file), (node) => (isWanted(node) ? [node] : []));
  });
}

/** In the object itself, or in one that is spread into it. */
function findEvent(node: ts.Node): string | undefined {
  if (!ts.isObjectLiteralExpression(node)) return undefined;
  for (const property of node.properties) {
    if (ts.isPropertyAssignment(property) && property.name.getText() === "event")
      return textsOf(property.initializer)[0];
    if (ts.isSpreadAssignment(property)) {
      const found = findEventOfVariable(property.expression);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function findEventOfVariable(name: ts.Expression): string | undefined {
  return visit(name.getSourceFile(), (node) => {
    const isIt = ts.isVariableDeclaration(node) && node.name.getText() === name.getText() && node.initializer;
    const event = isIt ? findEvent(isIt) : undefined;
    return event === undefined ? [] : [event];
  })[0];
}

/** What `log.failure(…)` says, for the event `failure`. */
export function findFailureMessages(folder: string): string[] {
  return callsBelow(folder, ["log.failure"]).flatMap((call) => textsOf(call.arguments[0]));
}

/** Messages of the worker's `context.log`, as texts, constants, or what an object has under that name. */
export function findMessages(folder: string): LogEvent[] {
  return LEVELS.flatMap((level) =>
    callsBelow(folder, [`log.${level}`]).flatMap((call) => {
      const texts = call.arguments[0] === undefined ? [] : resolve(call.arguments[0]);
      return texts.map((event) => ({ event, level }));
    }),
  );
}

/** A text, or what a constant or a property of that name is given in the same module or in the one it comes from. */
function resolve(node: ts.Expression): string[] {
  if (!ts.isIdentifier(node)) return textsOf(node);
  const file = node.getSourceFile();
  const here = textsNamed(file, node.text);
  return here.length > 0 ? here : textsNamed(parseSource(importedFrom(file, node.text)), node.text);
}

function textsNamed(file: ts.SourceFile, name: string): string[] {
  return visit(file, (node) => {
    const isNamed = (ts.isVariableDeclaration(node) || ts.isPropertyAssignment(node)) && node.name.getText() === name;
    return isNamed ? textsOf(node.initializer) : [];
  });
}

/** @throws TypeError for a name that the module does not import from one of ours */
function importedFrom(file: ts.SourceFile, name: string): string {
  for (const statement of file.statements.filter(ts.isImportDeclaration)) {
    const names = statement.importClause?.namedBindings;
    const imports = names && ts.isNamedImports(names) ? names.elements.map((element) => element.name.text) : [];
    const [path = ""] = textsOf(statement.moduleSpecifier);
    if (imports.includes(name)) return new URL(path, `file:///${file.fileName}`).pathname.slice(1);
  }
  throw new TypeError(`${file.fileName}: "${name}" comes from nowhere`);
}
