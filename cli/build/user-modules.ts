/**
 * The project's own modules: finds the file behind `$import(./modules/x)` and asks esbuild, with which wrangler will
 * bundle it, what it exports. Nothing of the project is executed by a build.
 */
import { realpath, stat } from "node:fs/promises";
import { SourceMap } from "node:module";
import { join, relative, sep } from "node:path";
import { type BuildFailure, build, type Metafile } from "esbuild";
import type { UserModule } from "../../src/contract/project-files/selectors.ts";
import { RUNTIME_MODULE_EXPORTS } from "../../src/contract/runtime-module.ts";
import { findCertificateNames } from "./module-certificate-names.ts";
import type { ModuleUse } from "./module-references.ts";
import { findNameProblem } from "./mtls-certificate-names.ts";
import { type BuildLog, below, report, warn } from "./problem.ts";
import { findUnsupportedUse } from "./runtime-imports.ts";

const MODULE_EXTENSIONS = [".ts", ".tsx", ".js", ".mjs"];
/** Far above any hand-written module: a larger one is a file that got there by mistake. */
const MODULE_MAX_BYTES = 1024 * 1024;
const MODULES_FOLDER = "modules";
/** Runs before the first request, if a project has it; no route names it. */
const RUNTIME_INIT: { module: UserModule; export: string } = {
  module: "./modules/zuplo.runtime",
  export: "runtimeInit",
};

export interface BuiltModule {
  module: UserModule;
  /** Absolute, without symbolic links */
  file: string;
  /** The module and what it imports from the project, for the build id */
  code: string;
  /** Of the mTLS certificates that this code names literally */
  mtlsCertificateNames: readonly string[];
}

type Located = { ok: true; file: string } | { ok: false; reason: string };

interface Analysis {
  exports: ReadonlySet<string>;
  /** False when the module re-exports everything of a package: then only the worker knows its exports */
  isComplete: boolean;
  code: string;
  /** As JSON, with paths from the project on */
  sourceMap: string;
}

/** Every module that is used, once; what is missing or cannot be bundled is reported. `projectDir` has no links. */
export async function buildUserModules(
  projectDir: string,
  uses: readonly ModuleUse[],
  log: BuildLog,
): Promise<BuiltModule[]> {
  const byModule = Map.groupBy(uses, (use) => use.module);
  if (!byModule.has(RUNTIME_INIT.module) && (await locate(projectDir, RUNTIME_INIT.module)).ok) {
    const place = { file: `${RUNTIME_INIT.module.slice("./".length)}.ts`, path: [], log };
    byModule.set(RUNTIME_INIT.module, [{ ...RUNTIME_INIT, place }]);
  }
  const built = await Promise.all(
    [...byModule].map(([module, users]) => buildUserModule(projectDir, module, users, log)),
  );
  return built.filter((module) => module !== undefined);
}

async function buildUserModule(
  projectDir: string,
  module: UserModule,
  users: readonly ModuleUse[],
  log: BuildLog,
): Promise<BuiltModule | undefined> {
  const located = await locate(projectDir, module);
  if (!located.ok) {
    for (const { place } of users) report(below(place, "module"), `"$import(${module})" ${located.reason}`);
    return undefined;
  }
  const analysis = await analyse(projectDir, located.file, log);
  if (analysis === undefined) return undefined;
  for (const { export: name, place } of users) {
    if (!analysis.isComplete || analysis.exports.has(name)) continue;
    const found = [...analysis.exports].join(", ") || "none";
    report(below(place, "export"), `"${name}" is not an export of ${module}, found ${found}`);
  }
  const file = relative(projectDir, located.file);
  reportUnsupportedUse(file, analysis, log);
  const mtlsCertificateNames = findNames(file, analysis, log);
  return { module, file: located.file, code: analysis.code, mtlsCertificateNames };
}

function reportUnsupportedUse(file: string, { code, sourceMap }: Analysis, log: BuildLog): void {
  const { imports, contextMembers } = findUnsupportedUse(code);
  for (const found of imports) {
    const allowed = `allowed: ${RUNTIME_MODULE_EXPORTS.join(", ")}, and types`;
    const message = `"${found.name}" of ${found.module} is not supported by sallyport, ${allowed}`;
    log.problems.push({ ...locateSource(sourceMap, found, file), path: "", message });
  }
  for (const found of contextMembers) {
    const message = `"${found.name}" is not supported by sallyport, the context does not have it`;
    log.warnings.push({ ...locateSource(sourceMap, found, file), path: "", message });
  }
}

/** Literal names of mTLS certificates in the module; those that nothing can be uploaded under are reported. */
function findNames(file: string, { code, sourceMap }: Analysis, log: BuildLog): string[] {
  const found = findCertificateNames(code);
  if (!found.ok) {
    const message = `cannot be read for names of mTLS certificates: ${found.reason}`;
    warn({ file, path: [], log }, message, "those that it names can be deleted while it uses them");
    return [];
  }
  for (const literal of found.names) {
    const problem = findNameProblem(literal.name);
    if (problem !== undefined) log.problems.push({ ...locateSource(sourceMap, literal, file), path: "", ...problem });
  }
  return found.names.map(({ name }) => name);
}

/** The place in the project's file that a place in the bundle comes from. */
function locateSource(sourceMap: string, { line, column }: { line: number; column: number }, file: string) {
  const entry = new SourceMap(JSON.parse(sourceMap)).findEntry(line - 1, column);
  if (!("originalSource" in entry)) return { file };
  const { originalSource, originalLine, originalColumn } = entry;
  return { file: originalSource, location: { line: originalLine + 1, column: originalColumn + 1 } };
}

/** The file behind a module name, if it is a regular file of a sensible size inside the project's `modules/`. */
async function locate(projectDir: string, module: UserModule): Promise<Located> {
  for (const extension of MODULE_EXTENSIONS) {
    const file = await realpath(join(projectDir, module + extension)).catch(() => undefined);
    if (file === undefined) continue;
    const folder = await realpath(join(projectDir, MODULES_FOLDER)).catch(() => undefined);
    if (folder === undefined || !file.startsWith(folder + sep)) {
      return { ok: false, reason: `leads out of ${MODULES_FOLDER}/ through a symbolic link` };
    }
    const status = await stat(file);
    if (!status.isFile()) return { ok: false, reason: "is not a file" };
    if (status.size > MODULE_MAX_BYTES) {
      return { ok: false, reason: `has ${status.size} bytes, allowed: ${MODULE_MAX_BYTES}` };
    }
    return { ok: true, file };
  }
  return { ok: false, reason: `is not a module of the project, looked for ${MODULE_EXTENSIONS.join(", ")}` };
}

/** Bundles the module with what it imports from the project; packages and the runtime stay outside. */
async function analyse(projectDir: string, file: string, log: BuildLog): Promise<Analysis | undefined> {
  const result = await build({
    entryPoints: [file],
    absWorkingDir: projectDir,
    bundle: true,
    format: "esm",
    platform: "neutral",
    packages: "external",
    external: ["*.wasm", "*.wasm?module"],
    loader: { ".txt": "text", ".html": "text", ".sql": "text", ".bin": "binary" },
    // The project's own tsconfig may map the runtime to a folder, which is not part of this module
    tsconfigRaw: "{}",
    // The only syntax of the day that the parser behind findCertificateNames does not know
    supported: { decorators: false },
    metafile: true,
    sourcemap: "external",
    sourcesContent: false,
    write: false,
    outfile: "module.js",
    logLevel: "silent",
  }).catch((failure: BuildFailure) => reportFailure(failure, file, log));
  if (result === undefined) return undefined;
  const textOf = (ending: string) => result.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  const code = textOf(".js");
  const isComplete = !/^export \* from/m.test(code);
  return { exports: exportsOf(result.metafile), isComplete, code, sourceMap: textOf(".map") };
}

function exportsOf({ outputs }: Metafile): ReadonlySet<string> {
  return new Set(Object.values(outputs).flatMap((output) => output.exports));
}

function reportFailure(failure: BuildFailure, file: string, log: BuildLog): undefined {
  for (const { text, location } of failure.errors) {
    const position = location === null ? {} : { location: { line: location.line, column: location.column + 1 } };
    log.problems.push({ file: location?.file ?? file, path: "", message: text, ...position });
  }
}
