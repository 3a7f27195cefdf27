import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProject, type ProjectFiles } from "./project-directory.ts";

const MAIN = join(import.meta.dirname, "../../cli/main.ts");
const BROKEN: ProjectFiles = { "config/policies.json": "{" };
const PROBLEM = "sallyport: error: config/policies.json:1:2: expected string in JSON but found end of file\n";

interface Run {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

function runBuild(projectDir: string, env: NodeJS.ProcessEnv = {}): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH, ...env } };
    const child = execFile(
      process.execPath,
      [MAIN, "build", "--project-dir", projectDir],
      options,
      (_, stdout, stderr) => resolve({ exitCode: child.exitCode, stdout, stderr }),
    );
  });
}

test("a good project is one short line and exit code 0", async () => {
  const { exitCode, stdout, stderr } = await runBuild(await createProject());
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  expect(stderr).toMatch(/^sallyport: built 1 routes as [0-9a-f]{12}\n$/);
});

test("a broken project is a line for each problem and exit code 1", async () => {
  expect(await runBuild(await createProject(BROKEN))).toEqual({ exitCode: 1, stdout: "", stderr: PROBLEM });
});

test("under wrangler dev the last good build stays in place", async () => {
  const projectDir = await createProject();
  await runBuild(projectDir);
  await writeFile(join(projectDir, "config/policies.json"), "{");
  const { exitCode, stderr } = await runBuild(projectDir, { WRANGLER_COMMAND: "dev" });
  expect(exitCode).toBe(0);
  expect(stderr).toBe(`${PROBLEM}sallyport: warning: the last good build stays in place until this is corrected\n`);
});

test("under wrangler dev a project that never was good fails", async () => {
  expect((await runBuild(await createProject(BROKEN), { WRANGLER_COMMAND: "dev" })).exitCode).toBe(1);
});

test("a deploy of a broken project fails, whatever was built before", async () => {
  const projectDir = await createProject();
  await runBuild(projectDir);
  await writeFile(join(projectDir, "config/policies.json"), "{");
  expect((await runBuild(projectDir, { WRANGLER_COMMAND: "deploy" })).exitCode).toBe(1);
});
