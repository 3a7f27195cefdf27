/**
 * `sallyport build`: the project's files → one entry module for wrangler. Runs from `[build]` in wrangler.toml. With a target,
 * what another host than wrangler needs.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { formatProblem, type Problem } from "../build/problem.ts";
import { addExamples } from "../output/examples.ts";
import { error, hint, note, print, warning } from "../output.ts";

interface BuildFlags {
  projectDir: string;
  out?: string;
}

interface TargetFlags extends BuildFlags {
  target?: "workerd";
  outDir?: string;
  envFile?: string[];
}

/** Relative to the project */
const WORKERD_FOLDER = ".build/workerd";

export function createBuildCommand(): Command {
  const command = new Command("build")
    .description("validate config/ and modules/, and write the entry module that wrangler bundles")
    .option("--project-dir <dir>", "the project with config/ and modules/", ".")
    .option("--out <file>", "where the entry module goes (default: .build/worker.ts in the project)")
    .addOption(
      new Option("--target <host>", "build for this host as well: a bundle and its configuration").choices(["workerd"]),
    )
    .option("--out-dir <dir>", `where these go (default: ${WORKERD_FOLDER} in the project)`)
    .option(
      "--env-file <file...>",
      "variables to be taken from the environment of workerd: names are read, values are not written",
    )
    .action((flags: TargetFlags) => (flags.target === undefined ? runBuild(flags) : runWorkerdBuild(flags)));
  return addExamples(
    command,
    "sallyport build",
    "sallyport build --target workerd",
    "set -a; . .sallyport/worker.env; set +a; npx workerd serve .build/workerd/workerd.capnp --socket-addr http=127.0.0.1:8787",
  );
}

async function runWorkerdBuild({ projectDir, outDir, envFile }: TargetFlags): Promise<void> {
  const [{ buildOrExplain }, { buildForWorkerd }] = await Promise.all([
    import("../stack/build-or-explain.ts"),
    import("../workerd/build-for-workerd.ts"),
  ]);
  const { buildId, routes } = await buildOrExplain(projectDir);
  const { configPath, bindings } = await buildForWorkerd({
    projectDir,
    outDir: outDir ?? join(projectDir, WORKERD_FOLDER),
    envFiles: envFile,
  });
  if (bindings.mtlsCertificates.length > 0) {
    warning(
      `the bindings ${bindings.mtlsCertificates.map((name) => `"${name}"`).join(", ")} of [[mtls_certificates]] are left out: here the edge's egress presents certificates of these names`,
    );
  }
  note(`built ${routes.length} routes as ${buildId} for workerd`);
  print(configPath);
}

async function runBuild({ projectDir, out }: BuildFlags): Promise<void> {
  // Loaded here, since every other command would wait for esbuild too
  const { buildProject } = await import("../build/build-project.ts");
  const result = await buildProject({ projectDir, outFile: out });
  if (result.ok) {
    sayAll(result.warnings, warning);
    note(`built ${result.routes.length} routes as ${result.buildId}`);
    return;
  }
  sayAll(result.problems, error);
  process.exitCode = keepsServing(result.outFile) ? 0 : 1;
}

/**
 * Under `wrangler dev` a build command that fails leaves every request waiting until it succeeds again (seen with
 * wrangler 4.155). One that succeeds without touching the entry lets the last good worker go on. A deploy always fails.
 */
function keepsServing(outFile: string): boolean {
  if (process.env.WRANGLER_COMMAND !== "dev" || !existsSync(outFile)) return false;
  warning("the last good build stays in place until this is corrected");
  return true;
}

function sayAll(problems: readonly Problem[], say: (message: string) => void): void {
  for (const problem of problems) {
    say(formatProblem(problem));
    if (problem.hint !== undefined) hint(problem.hint);
  }
}
