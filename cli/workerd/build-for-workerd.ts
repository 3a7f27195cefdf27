/**
 * What `sallyport build --target workerd` does: the project bundled as for Cloudflare, and beside it a configuration with
 * which plain `workerd serve` runs it behind the edge. A deployment without wrangler, Miniflare or Node at run time.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { readOptional, writeWhole } from "../../edge-shim/files.ts";
import { bundleProject } from "../../edge-shim/workers/bundle-project.ts";
import { TRACES_ENDPOINT_VARIABLE, WORKER_TELEMETRY_VARIABLES } from "../../src/contract/telemetry.ts";
import { WORKER_VARIABLES } from "../../src/contract/worker-variables.ts";
import { CliError } from "../output.ts";
import { ensureWranglerConfig, findVariableFiles } from "../stack/wrangler-config.ts";
import type { CapnpStruct } from "./capnp-text.ts";
import { sortBindings, type WorkerBindings } from "./worker-bindings.ts";
import { createWorkerdConfig, printWorkerdConfig, type WorkerdConfig } from "./workerd-config.ts";

const CONFIG_FILE = "workerd.capnp";
const PUBLIC_MODE = 0o644;

export interface WorkerdBuildOptions {
  /** The folder with `config/` and `modules/` */
  projectDir: string;
  /** Made where it is missing; other files in it are left alone */
  outDir: string;
  /** Files with `NAME=value` lines: their names become variables, their values stay where they are. Default: the project's own */
  envFiles?: readonly string[] | undefined;
}

export interface WorkerdBuild {
  /** What is in {@link configPath}, for who wants to run it with more in it */
  config: WorkerdConfig;
  configPath: string;
  bindings: WorkerBindings;
}

/** @throws CliError for bindings that workerd does not have; Error with what wrangler said when it cannot bundle */
export async function buildForWorkerd({ projectDir, outDir, envFiles }: WorkerdBuildOptions): Promise<WorkerdBuild> {
  const folder = resolve(outDir);
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, "build-"));
  try {
    const project = resolve(projectDir);
    const wranglerConfig = ensureWranglerConfig(project, { path: scratch });
    const options = await readWorkerOptions(wranglerConfig);
    const bindings = sortBindings(options);
    if (bindings.unsupported.length > 0) throw unsupportedBindings(bindings.unsupported);
    const script = await bundleProject(project, wranglerConfig, join(scratch, "bundle"));
    const config = createWorkerdConfig({
      compatibilityDate: String(options.compatibilityDate),
      compatibilityFlags: (options.compatibilityFlags ?? []) as string[],
      modules: copyModules(script, folder),
      variables: bindings.variables,
      environmentVariables: nameEnvironmentVariables(project, bindings, envFiles),
    });
    const configPath = join(folder, CONFIG_FILE);
    writeWhole(configPath, printWorkerdConfig(config), PUBLIC_MODE);
    return { config, configPath, bindings };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Wrangler would also tell what does not work under `wrangler dev`, which is not asked here. */
async function readWorkerOptions(configPath: string): Promise<Readonly<Record<string, unknown>>> {
  process.env.WRANGLER_LOG ??= "error";
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  return { ...unstable_getMiniflareWorkerOptions(configPath).workerOptions };
}

function unsupportedBindings(names: readonly string[]): CliError {
  return new CliError(
    `plain workerd has nothing to give for ${names.map((name) => `"${name}"`).join(", ")}`,
    "plain workerd gives variables, and certificates by way of the edge's egress: take the bindings out of a configuration for it",
    "run the project with sallyport serve, where Miniflare gives them, or deploy it to Cloudflare",
  );
}

/**
 * Sallyport's own are among them, so that the edge in front can be chosen at each start. What the project's configuration
 * says stays, unless somebody named a file that says otherwise: as with wrangler's `--env-file`.
 */
function nameEnvironmentVariables(
  projectDir: string,
  { variables }: WorkerBindings,
  envFiles: readonly string[] | undefined,
): string[] {
  const own = [...WORKER_VARIABLES, TRACES_ENDPOINT_VARIABLE, ...WORKER_TELEMETRY_VARIABLES];
  const found = envFiles === undefined ? findVariableFiles(projectDir).flatMap(readNames) : [];
  const added = [...own, ...found].filter((name) => !(name in variables));
  return [...new Set([...added, ...(envFiles ?? []).flatMap(readNames)])];
}

function readNames(path: string): string[] {
  const text = readOptional(path);
  if (text === undefined)
    throw new CliError(`"${path}" does not exist`, "--env-file names files with NAME=value lines");
  return Object.keys(parseEnv(text));
}

/** Wrangler's own rules for modules that are no code, as the worker imports them. */
const MODULE_KINDS: Readonly<Record<string, string>> = {
  ".wasm": "wasm",
  ...{ ".txt": "text", ".html": "text", ".sql": "text" },
  ".bin": "data",
};

/** With the script first: that one is what workerd runs. */
function copyModules(script: string, folder: string): CapnpStruct[] {
  const bundle = dirname(script);
  const others = readdirSync(bundle).flatMap((name) => {
    const kind = MODULE_KINDS[extname(name)];
    return kind === undefined ? [] : [{ name, kind }];
  });
  return [{ name: basename(script), kind: "esModule" }, ...others].map(({ name, kind }) => {
    copyFileSync(join(bundle, name), join(folder, name));
    return { name, [kind]: { embed: name } };
  });
}
