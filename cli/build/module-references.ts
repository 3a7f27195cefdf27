/**
 * Resolves how routes and policies point at code. An export of the runtime is checked here, against the table that
 * the worker reads too; an export of the project's own modules is noted down, and checked when all are known.
 */

import { findOptionIssues } from "../../src/contract/policy-options/validate-options.ts";
import type { JsonObject, ModuleReference } from "../../src/contract/project.ts";
import type { WrittenModuleReference } from "../../src/contract/project-files/module-reference.ts";
import { parseImportSelector, type UserModule } from "../../src/contract/project-files/selectors.ts";
import { findRuntimeExport, RUNTIME_EXPORTS, type RuntimeExport } from "../../src/contract/runtime-exports.ts";
import { below, type Place, report } from "./problem.ts";
import { reportIssues } from "./validate.ts";
import { ZUPLO_EXPORTS } from "./zuplo-exports.ts";

export type ExportKind = RuntimeExport["kind"];

/** An export of the project's own modules that a route or policy needs. */
export interface ModuleUse {
  module: UserModule;
  export: string;
  /** Of the handler that names it */
  place: Place;
}

interface ResolvedReference {
  reference: ModuleReference;
  /** What the runtime says about its export; undefined for the project's own modules */
  runtimeExport: RuntimeExport | undefined;
}

/** Undefined after a problem was reported. `kinds` are the kinds of export that may stand at `place`. */
export function resolveReference(
  written: WrittenModuleReference,
  place: Place,
  kinds: readonly ExportKind[],
  uses: ModuleUse[],
): ResolvedReference | undefined {
  const selector = parseImportSelector(written.module);
  if (selector.kind === "invalid") {
    report(below(place, "module"), `"${written.module}" ${selector.reason}`);
    return undefined;
  }
  const reference = createReference(selector.module, written);
  if (selector.kind === "runtime") return resolveRuntimeExport(reference, place, kinds);
  uses.push({ module: selector.module, export: written.export, place });
  return { reference, runtimeExport: undefined };
}

function createReference(module: string, written: WrittenModuleReference): ModuleReference {
  const options: { options?: JsonObject } = written.options === undefined ? {} : { options: written.options };
  return { module, export: written.export, ...options };
}

function resolveRuntimeExport(
  reference: ModuleReference,
  place: Place,
  kinds: readonly ExportKind[],
): ResolvedReference | undefined {
  const runtimeExport = findRuntimeExport(reference.export);
  if (runtimeExport === undefined || !kinds.includes(runtimeExport.kind)) {
    report(below(place, "export"), describeWrongExport(reference, runtimeExport, kinds));
    return undefined;
  }
  const options = reference.options ?? {};
  const { options: schema } = runtimeExport;
  reportIssues(findOptionIssues(schema, options), schema, options, below(place, "options"));
  return { reference, runtimeExport };
}

function describeWrongExport(
  { module, export: name }: ModuleReference,
  found: RuntimeExport | undefined,
  kinds: readonly ExportKind[],
): string {
  const allowed = `allowed: ${exportsOf(kinds).join(", ") || "none"}`;
  if (found !== undefined) return `"${name}" is ${describeKind(found.kind)}, which cannot stand here, ${allowed}`;
  if (ZUPLO_EXPORTS.has(name)) return `"${name}" is not supported by sallyport, ${allowed}`;
  return `"${name}" is not an export of ${module}, ${allowed}`;
}

function exportsOf(kinds: readonly ExportKind[]): string[] {
  const entries: [string, RuntimeExport][] = Object.entries(RUNTIME_EXPORTS);
  return entries.filter(([, { kind }]) => kinds.includes(kind)).map(([name]) => name);
}

/** `inbound-policy` → `an inbound policy` */
export function describeKind(kind: ExportKind): string {
  return kind === "handler" ? "a handler" : `an ${kind.replace("-", " ")}`;
}
