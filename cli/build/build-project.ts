/**
 * Builds a project: reads `config/` and `modules/`, finds every problem, and writes one entry module when there is none.
 * Prints nothing: `sallyport build` and `sallyport dev` say it in their own way.
 */
import { readdir, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { RouteDefinition } from "../../src/contract/project.ts";
import { type CompiledProject, compileProject, type ProjectFiles } from "./compile-project.ts";
import { computeBuildId, writeEntryModule } from "./entry-module.ts";
import { POLICIES_FILE } from "./policies.ts";
import { type BuildLog, type Problem, report, withoutRepetition } from "./problem.ts";
import { type ProjectFile, readProjectFile } from "./project-file.ts";
import { buildUserModules } from "./user-modules.ts";
import { warnOfZuploFeatures } from "./zuplo-features.ts";

const CONFIG_FOLDER = "config";
const ROUTES_FILE_ENDING = ".oas.json";
/** Where the entry module is written by default, relative to the project. */
const DEFAULT_ENTRY = ".build/worker.ts";

export interface BuildOptions {
  /** The folder with `config/` and `modules/` */
  projectDir: string;
  /** Default: `.build/worker.ts` in the project */
  outFile?: string | undefined;
}

interface BuiltProject {
  ok: true;
  buildId: string;
  outFile: string;
  routes: readonly RouteDefinition[];
  /** Of the mTLS certificates that routes and modules name literally, sorted; variables name others at run time */
  mtlsCertificateNames: readonly string[];
  warnings: readonly Problem[];
}

export type BuildResult = BuiltProject | { ok: false; outFile: string; problems: readonly Problem[] };

/** On problems nothing is written, so that a worker that runs keeps its last good entry. */
export async function buildProject(options: BuildOptions): Promise<BuildResult> {
  const log: BuildLog = { problems: [], warnings: [] };
  const projectDir = await realpath(options.projectDir).catch(() => resolve(options.projectDir));
  const project: CompiledProject = compileProject(await readProjectFiles(projectDir, log), log);
  const { definition, uses } = project;
  const modules = await buildUserModules(projectDir, uses, log);
  await warnOfZuploFeatures(projectDir, log);
  const outFile = resolve(options.outFile ?? join(projectDir, DEFAULT_ENTRY));
  if (log.problems.length > 0) return { ok: false, outFile, problems: withoutRepetition(log.problems) };
  const buildId = computeBuildId(definition, modules);
  await writeEntryModule(outFile, { buildId, ...definition }, modules);
  const names = [project, ...modules].flatMap((source) => source.mtlsCertificateNames);
  const mtlsCertificateNames = [...new Set(names)].sort();
  const warnings = withoutRepetition(log.warnings);
  return { ok: true, buildId, outFile, routes: definition.routes, mtlsCertificateNames, warnings };
}

/** One after the other, so that problems are told in the same order every time. */
async function readProjectFiles(projectDir: string, log: BuildLog): Promise<ProjectFiles> {
  const read = (file: string) => readProjectFile(join(projectDir, file), file, log);
  const routes: ProjectFile[] = [];
  for (const name of await listRouteFiles(projectDir, log)) {
    const file = await read(name);
    if (file !== undefined && file !== "missing") routes.push(file);
  }
  return { routes, policies: await read(POLICIES_FILE) };
}

/** Relative to the project, in the order of their characters, so that it is the same on every machine. */
async function listRouteFiles(projectDir: string, log: BuildLog): Promise<string[]> {
  const names = await readdir(join(projectDir, CONFIG_FOLDER)).catch(() => []);
  const files = names.filter((name) => name.endsWith(ROUTES_FILE_ENDING)).sort();
  if (files.length === 0) {
    const hint = `create ${CONFIG_FOLDER}/routes${ROUTES_FILE_ENDING}, or name the project's folder with --project-dir`;
    report(
      { file: CONFIG_FOLDER, path: [], log },
      `"*${ROUTES_FILE_ENDING}" is missing, found no file of that name`,
      hint,
    );
  }
  return files.map((name) => `${CONFIG_FOLDER}/${name}`);
}
