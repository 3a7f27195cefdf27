/**
 * The parent's side: starts a process, waits for its one answer, and ends it. Each child leads a process group, so that
 * whatever it started itself (workerd) goes with it, and closes down by itself when this process is gone.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ChildAnswer } from "./run-as-child.ts";

export interface Child<Output> {
  readonly pid: number;
  readonly output: Output;
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** How long the answer may take */
  answerTimeoutMs?: number;
  /** Flags for Node */
  execArgv?: string[];
  /** Where its standard error goes; `ignore` is the null device */
  stderr?: "ignore" | "inherit";
}

const ANSWER_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;

/**
 * Starts the module at `module`, which must call `runAsChild` with the same types.
 *
 * @throws Error with what the child said, or that it ended or kept silent; it is stopped then
 */
export async function startChild<Input extends object, Output>(
  module: URL,
  input: Input,
  options: ChildOptions = {},
): Promise<Child<Output>> {
  const child = fork(fileURLToPath(module), [], {
    detached: true,
    execArgv: options.execArgv ?? [],
    stdio: ["ignore", "ignore", options.stderr ?? "inherit", "ipc"],
    env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = () => stopChild(child, exited);
  try {
    const answer = receiveAnswer<Output>(child, options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS);
    child.send(input);
    return { pid: child.pid ?? 0, output: await answer, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A process that does one thing: starts it, takes its answer, and ends it. */
export async function runChild<Input extends object, Output>(
  module: URL,
  input: Input,
  options: ChildOptions = {},
): Promise<Output> {
  const child = await startChild<Input, Output>(module, input, options);
  await child.stop();
  return child.output;
}

function receiveAnswer<Output>(child: ChildProcess, timeoutMs: number): Promise<Output> {
  const name = child.spawnargs.at(-1)?.split("/").at(-1);
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`"${name}" did not answer within ${timeoutMs} ms`)), timeoutMs);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(limit);
      reject(new Error(`"${name}" ended before it answered, with ${signal ?? `exit code ${code}`}`));
    });
    child.once("message", (message) => {
      clearTimeout(limit);
      const answer = message as ChildAnswer<Output>;
      if ("output" in answer) resolve(answer.output);
      else reject(new Error(`"${name}" failed: ${answer.failure}`));
    });
  });
}

async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.connected) child.disconnect();
  const limit = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(limit);
  killGroup(child);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}
