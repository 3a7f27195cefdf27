/** The project's build before a start: every problem is said, and nothing is started then. */
import { type BuildResult, buildProject } from "../build/build-project.ts";
import { formatProblem } from "../build/problem.ts";
import { CliError, error, hint, warning } from "../output.ts";

/** @throws CliError after having said every problem */
export async function buildOrExplain(projectDir: string): Promise<BuildResult & { ok: true }> {
  const result = await buildProject({ projectDir });
  if (result.ok) {
    for (const problem of result.warnings) warning(formatProblem(problem));
    return result;
  }
  for (const problem of result.problems) {
    error(formatProblem(problem));
    if (problem.hint !== undefined) hint(problem.hint);
  }
  const count = result.problems.length;
  throw new CliError(
    `"${projectDir}" does not build, ${count} ${count === 1 ? "problem" : "problems"}`,
    "correct what is said above and start again",
  );
}
