/** What a test does to be logged in, and how it looks at what a command left behind. */
import { readFileSync, statSync } from "node:fs";
import { expect } from "vitest";
import type { TestControlPlane } from "./control-plane.ts";
import type { Run, Workplace } from "./sallyport.ts";

export function logIn(workplace: Workplace, control: TestControlPlane, key: string, ...more: string[]): Promise<Run> {
  return workplace.run(["login", "--api-url", control.url, ...more], { environment: { SALLYPORT_API_KEY: key } });
}

/** The rows of `whoami` by their names. */
export async function whoAmI(workplace: Workplace, ...parameters: string[]): Promise<Record<string, string>> {
  const run = await workplace.run(["whoami", ...parameters]);
  expect(run.code, run.stderr).toBe(0);
  return Object.fromEntries(
    run.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/)),
  );
}

/** Octal: `600` */
export function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
