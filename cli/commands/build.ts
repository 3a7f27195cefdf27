/** `sallyport build`: the project's files → one entry module for wrangler. Runs from `[build]` in wrangler.toml. */
import { existsSync } from "node:fs";
import { Command } from "commander";
import { formatProblem, type Problem } from "../build/problem.ts";
import { error, hint, note, warning } from "../output.ts";

interface BuildFlags {
  projectDir: string;
  out?: string;
}

export function createBuildCommand(): Command {
  return new Command("build")
    .description("validate config/ and modules/, and write the entry module that wrangler bundles")
    .option("--project-dir <dir>", "the project with config/ and modules/", ".")
    .option("--out <file>", "where the entry module goes (default: .build/worker.ts in the project)")
    .action(runBuild);
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
