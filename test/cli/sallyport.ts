/** Runs `sallyport` as a user does: in a directory and a home of its own, with nothing of this machine's settings. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** Compiled once for all the times that the command is started */
const COMPILE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/sallyport-cli", import.meta.url));
/** What a terminal has and a pipe has not, so that questions are asked */
const PRETEND_TERMINAL = `data:text/javascript,${encodeURIComponent(
  "process.stdin.isTTY = process.stderr.isTTY = true; process.stdin.setRawMode = () => process.stdin;",
)}`;

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  environment?: Record<string, string>;
  /** What is typed into each question, in order; the process believes that it is on a terminal */
  answers?: string[];
}

export interface Workplace extends Disposable {
  /** The working directory; home and configuration are beside it */
  readonly path: string;
  readonly credentialsPath: string;
  run(parameters: readonly string[], options?: RunOptions): Promise<Run>;
  /** Writes a file into the working directory, and returns its path. */
  write(name: string, content: string | Uint8Array): string;
}

/** `environment` is what all commands there find. */
export function createWorkplace(environment: Record<string, string> = {}): Workplace {
  const root = mkdtempSync(join(tmpdir(), "sallyport-cli-"));
  const path = join(root, "directory");
  mkdirSync(path);
  const home = { HOME: join(root, "home"), XDG_CONFIG_HOME: join(root, "config") };
  return {
    path,
    credentialsPath: join(root, "config", "sallyport", "credentials.json"),
    run: (parameters, options = {}) =>
      runSallyport(path, parameters, {
        ...options,
        environment: { ...home, ...environment, ...options.environment },
      }),
    write(name, content) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function runSallyport(cwd: string, parameters: readonly string[], options: RunOptions): Promise<Run> {
  const terminal = options.answers === undefined ? [] : ["--import", PRETEND_TERMINAL];
  const child = spawn(process.execPath, [...terminal, CLI, ...parameters], {
    cwd,
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.environment },
  });
  const run: Run = { code: null, stdout: "", stderr: "" };
  const answers = [...(options.answers ?? [])];
  child.stdout.on("data", (chunk: Buffer) => {
    run.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    const text = chunk.toString();
    run.stderr += text;
    // A question begins with this mark, an answered one with another
    if (!text.includes("◆")) return;
    child.stdin.write(`${answers.shift() ?? ""}\r`);
    if (answers.length === 0) child.stdin.end();
  });
  if (options.answers === undefined) child.stdin.end();
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ ...run, code }));
  });
}
