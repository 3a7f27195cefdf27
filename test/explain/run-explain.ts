/** Runs `sallyport explain` as a user does: in a folder and a home of its own, with or without something piped in. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Explanation } from "../../cli/explain/explain.ts";

const CLI = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Kept from run to run: half of a short command's time is compiling. */
const NODE_COMPILE_CACHE = join(tmpdir(), "sallyport-cli-cache");

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
  /** What `-o json` printed */
  json(): Explanation;
}

export interface Workplace extends Disposable {
  /** Writes a file, which commands find under this name. */
  write(name: string, content: string | Uint8Array): void;
  explain(
    parameters: readonly string[],
    options?: { input?: string; environment?: Record<string, string> },
  ): Promise<Run>;
}

export function createWorkplace(): Workplace {
  const root = mkdtempSync(join(tmpdir(), "sallyport-explain-"));
  const path = join(root, "directory");
  mkdirSync(path);
  const home = {
    HOME: join(root, "home"),
    XDG_CONFIG_HOME: join(root, "config"),
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE,
  };
  return {
    write: (name, content) => writeFileSync(join(path, name), content),
    explain: (parameters, { input = "", environment = {} } = {}) =>
      run([CLI, "explain", ...parameters], path, input, { ...home, ...environment }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function run(parameters: string[], cwd: string, input: string, env: NodeJS.ProcessEnv): Promise<Run> {
  const child = spawn(process.execPath, parameters, { cwd, env });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  // A command that reads nothing may have ended before it is told.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, ...output, json: () => JSON.parse(output.stdout) as Explanation }));
  });
}
