/** Starts `sallyport` as a user does, in folders of its own, and sees to it that nothing of it is left. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ReadyNote } from "../../cli/stack/running-stack.ts";
import { waitForReadyNote } from "../../testing/node/ready-note.ts";

export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const CLI = join(REPOSITORY, "cli", "main.ts");
const POLL_MS = 50;

/** A temporary folder that is removed with the scope. */
export function createFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "sallyport-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The example project in `folder`, to be edited and broken. */
export function copyExampleProject(folder: string): string {
  const project = join(folder, "project");
  for (const name of ["config", "modules"]) {
    cpSync(join(REPOSITORY, name), join(project, name), { recursive: true });
  }
  return project;
}

export interface Running {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Exit code, or null when a signal ended it */
  readonly exited: Promise<number | null>;
}

export interface CommandOptions {
  cwd?: string;
  /** In addition to that of the tests */
  environment?: Record<string, string>;
}

export function startSallyport(parameters: string[], options: CommandOptions = {}): Running {
  return startCommand(process.execPath, [CLI, ...parameters], options);
}

export function startCommand(command: string, parameters: string[], options: CommandOptions = {}): Running {
  const child = spawn(command, parameters, {
    cwd: options.cwd ?? REPOSITORY,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      CI: "1",
      ...options.environment,
    },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return { child, output, exited };
}

/** Runs to the end. */
export async function runCommand(command: string, parameters: string[], options: CommandOptions = {}) {
  const running = startCommand(command, parameters, options);
  const code = await running.exited;
  return { code, ...running.output };
}

/** Runs `sallyport` to the end. */
export function runSallyport(parameters: string[], options: CommandOptions = {}) {
  return runCommand(process.execPath, [CLI, ...parameters], options);
}

export interface DevStack extends AsyncDisposable {
  readonly running: Running;
  readonly ready: ReadyNote;
  readonly stateDir: string;
  /** Every process that the stack started, now */
  processes(): number[];
}

/** `sallyport dev` on free ports, with its state in `folder`; resolves when it wrote `ready.json`. */
export function startDev(folder: string, parameters: string[] = []): Promise<DevStack> {
  return startStack("dev", folder, parameters);
}

export interface StackOptions extends Pick<CommandOptions, "environment"> {
  /** Before it is ready */
  onSpawn?: (running: Running) => void;
}

export async function startStack(
  command: "dev" | "serve",
  folder: string,
  parameters: string[] = [],
  { environment = {}, onSpawn }: StackOptions = {},
): Promise<DevStack> {
  const stateDir = join(folder, "state");
  const ports = ["--port", "0", "--control-port", "0", "--origin-port", "0"];
  const running = startSallyport([command, ...ports, "--state-dir", stateDir, ...parameters], { environment });
  onSpawn?.(running);
  const ready = await waitForReadyNote({
    stateDir,
    pid: running.child.pid,
    hasEnded: () => running.child.exitCode !== null,
    output: () => running.output.stderr.slice(-2_000),
  });
  return {
    running,
    ready,
    stateDir,
    processes: () => findDescendants(running.child.pid as number),
    async [Symbol.asyncDispose]() {
      if (running.child.exitCode === null) running.child.kill("SIGTERM");
      await running.exited;
    },
  };
}

/** Polls until `probe` gives something; what a person does who looks again. */
export async function waitFor<Value>(
  probe: () => Value | undefined | Promise<Value | undefined>,
  explain: () => string = () => "it did not happen",
  timeoutMs = 30_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(explain());
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** From `/proc`: children, their children, and so on. */
export function findDescendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const parent = readParent(Number(name));
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const found = [pid];
  for (const ancestor of found) {
    for (const [child, parent] of parents) if (parent === ancestor) found.push(child);
  }
  return found.slice(1);
}

/** Undefined for a process that is not there, or ended and was not yet waited for. */
function readParent(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

/** The one of `processes` whose command line has `text` in it. */
export function findProcess(processes: readonly number[], text: string): number {
  const found = processes.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text));
  if (found === undefined) throw new Error(`no process with "${text}"`);
  return found;
}

export function isAlive(pid: number): boolean {
  return readParent(pid) !== undefined;
}
