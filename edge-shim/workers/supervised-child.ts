/**
 * A child process that is started again when it dies, and ended with everything that it started.
 *
 * Wrangler and Miniflare are trees of processes (node, esbuild, workerd), and a killed parent leaves the others behind
 * holding the port. So the child leads a process group of its own, the group is killed as one, and a guard inside the
 * child (process-group-guard.ts) kills it even when this process had no chance to.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createInterface } from "node:readline";
import type { Logger } from "pino";
import { findModule } from "../module-path.ts";

export interface SupervisedChildOptions {
  /** As the log calls it: `worker` */
  name: string;
  /** The module that the child runs, and its arguments */
  modulePath: string;
  arguments: string[];
  workingDirectory: string;
  environment: NodeJS.ProcessEnv;
  /** Is this what the child says when it answers requests? */
  isReadyMessage(message: unknown): boolean;
  /** Called with each line that the child prints */
  onOutput(line: string): void;
  logger: Logger;
}

export interface SupervisedChild {
  /** Resolves when the child is ready. @throws Error when it ended, or was not ready within a minute */
  start(): Promise<void>;
  /** Ends the child and everything that it started. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 3_000;
const RESTART_DELAY_MIN_MS = 200;
const RESTART_DELAY_MAX_MS = 5_000;
/** A child that lived this long was well: the next restart does not wait longer than the first did */
const HEALTHY_AFTER_MS = 10_000;

const GUARD = findModule("./process-group-guard.ts", import.meta.url);

export function createSupervisedChild(options: SupervisedChildOptions): SupervisedChild {
  const { logger, name } = options;
  let child: ChildProcess | undefined;
  let isStopping = false;
  let restartDelayMs = RESTART_DELAY_MIN_MS;
  let restart: NodeJS.Timeout | undefined;

  function spawn(onReady: () => void, onExit: (how: string) => void): void {
    const spawned = fork(options.modulePath, options.arguments, {
      cwd: options.workingDirectory,
      detached: true,
      execArgv: ["--no-warnings", "--import", GUARD],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: options.environment,
    });
    child = spawned;
    for (const stream of [spawned.stdout, spawned.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", options.onOutput);
    }
    spawned.on("message", (message) => {
      if (options.isReadyMessage(message)) onReady();
    });
    spawned.on("exit", (code, signal) => {
      killGroup(spawned, "SIGKILL");
      onExit(signal ?? `exit code ${code}`);
    });
  }

  function spawnAgain(): void {
    const startedMs = Date.now();
    const onReady = () => logger.info({ event: "child_ready", child: name }, `the ${name} is back`);
    spawn(onReady, (how) => scheduleRestart(how, startedMs));
  }

  function scheduleRestart(how: string, startedMs: number): void {
    if (isStopping) return;
    if (Date.now() - startedMs > HEALTHY_AFTER_MS) restartDelayMs = RESTART_DELAY_MIN_MS;
    logger.error({ event: "child_ended", child: name, how, restartDelayMs }, `the ${name} ended, it is started again`);
    restart = setTimeout(spawnAgain, restartDelayMs);
    restartDelayMs = Math.min(restartDelayMs * 2, RESTART_DELAY_MAX_MS);
  }

  function start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const startedMs = Date.now();
    let isReady = false;
    const limit = setTimeout(() => {
      reject(new Error(`the ${name} did not answer within ${READY_TIMEOUT_MS / 1_000} s; its output is above`));
    }, READY_TIMEOUT_MS);
    spawn(
      () => {
        isReady = true;
        clearTimeout(limit);
        resolve();
      },
      (how) => {
        clearTimeout(limit);
        if (isReady) scheduleRestart(how, startedMs);
        else reject(new Error(`the ${name} ended (${how}) before it answered; its output is above`));
      },
    );
    return promise;
  }

  async function stop(): Promise<void> {
    isStopping = true;
    clearTimeout(restart);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ending = child;
    const exited = new Promise<void>((resolve) => ending.once("exit", () => resolve()));
    killGroup(ending, "SIGTERM");
    const limit = setTimeout(() => killGroup(ending, "SIGKILL"), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(limit);
  }

  return { start, stop };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}
