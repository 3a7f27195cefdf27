/**
 * The parent's side: starts a process, waits for its answer, may ask it for more, and ends it. Each child leads a
 * process group, so that whatever it started itself (workerd) goes with it, and closes down by itself when this process
 * is gone.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ChildAnswer } from "./run-as-child.ts";

export interface Child<Output> {
  readonly pid: number;
  readonly output: Output;
  /** What the child's `report` says now. @throws Error with what the child said instead */
  ask<Report>(): Promise<Report>;
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
  function exchange<Answer>(message: object): Promise<Answer> {
    const answer = receiveAnswer<Answer>(child, options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS);
    if (child.connected) child.send(message);
    return answer;
  }
  try {
    return { pid: child.pid ?? 0, output: await exchange<Output>(input), ask: () => exchange({}), stop };
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
  const { promise, resolve, reject } = Promise.withResolvers<Output>();
  const limit = setTimeout(() => reject(new Error(`"${name}" did not answer within ${timeoutMs} ms`)), timeoutMs);
  const onExit = (code: number | null, signal: NodeJS.Signals | null) =>
    reject(new Error(`"${name}" ended before it answered, with ${signal ?? `exit code ${code}`}`));
  const onMessage = (message: unknown) => {
    const answer = message as ChildAnswer<Output>;
    // What is undefined does not travel.
    if ("failure" in answer) reject(new Error(`"${name}" failed: ${answer.failure}`));
    else resolve(answer.output);
  };
  child.on("error", reject).on("exit", onExit).on("message", onMessage);
  return promise.finally(() => {
    clearTimeout(limit);
    child.off("error", reject).off("exit", onExit).off("message", onMessage);
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
