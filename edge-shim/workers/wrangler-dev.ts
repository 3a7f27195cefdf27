/**
 * The gateway worker under `wrangler dev`, as a supervised child: started on a private loopback port, restarted when it
 * dies, ended with everything that it started.
 *
 * Wrangler is a tree of processes (node, esbuild, two workerd), and a killed parent leaves the others behind holding
 * the port. So the child leads a process group of its own, the group is killed as one, and a guard inside the child
 * (wrangler-guard.ts) kills it even when this process had no chance to.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";

export interface WranglerDevOptions {
  /** Folder that wrangler runs in: paths in the configuration are relative to its file, `.wrangler/` appears here */
  projectDir: string;
  /** Wrangler's configuration file */
  configPath: string;
  /** Loopback port; must stay free across restarts */
  port: number;
  /** File with `NAME=value` lines that become variables of the worker */
  envFile: string;
  /** Folder for what the worker persists */
  persistDir: string;
  logger: Logger;
}

export interface WranglerDev {
  /** Resolves when the worker answers. @throws Error when it did not within a minute, or ended */
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

const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "wrangler-dist",
  "cli.js",
);
const GUARD = fileURLToPath(new URL("./wrangler-guard.ts", import.meta.url));

export function createWranglerDev(options: WranglerDevOptions): WranglerDev {
  const { logger } = options;
  let child: ChildProcess | undefined;
  let isStopping = false;
  let restartDelayMs = RESTART_DELAY_MIN_MS;
  let restart: NodeJS.Timeout | undefined;

  function spawn(onReady: () => void): ChildProcess {
    const startedMs = Date.now();
    const spawned = fork(WRANGLER, wranglerArguments(options), {
      cwd: options.projectDir,
      detached: true,
      execArgv: ["--no-warnings", "--import", GUARD],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: wranglerEnvironment(),
    });
    relayOutput(spawned, logger);
    spawned.on("message", (message) => {
      if (isReadyMessage(message)) onReady();
    });
    spawned.on("exit", (code, signal) => {
      killGroup(spawned, "SIGKILL");
      if (isStopping) return;
      if (Date.now() - startedMs > HEALTHY_AFTER_MS) restartDelayMs = RESTART_DELAY_MIN_MS;
      logger.error({ event: "worker_ended", code, signal, restartDelayMs }, "the worker ended, it is started again");
      restart = setTimeout(() => {
        child = spawn(() => logger.info({ event: "worker_ready" }, "the worker is back"));
      }, restartDelayMs);
      restartDelayMs = Math.min(restartDelayMs * 2, RESTART_DELAY_MAX_MS);
    });
    return spawned;
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

  return {
    start: () =>
      new Promise<void>((resolve, reject) => {
        const limit = setTimeout(
          () =>
            reject(new Error(`the worker did not answer within ${READY_TIMEOUT_MS / 1_000} s; its output is above`)),
          READY_TIMEOUT_MS,
        );
        child = spawn(() => {
          clearTimeout(limit);
          resolve();
        });
      }),
    stop,
  };
}

function wranglerArguments(options: WranglerDevOptions): string[] {
  return [
    "dev",
    `--config=${options.configPath}`,
    "--ip=127.0.0.1",
    `--port=${options.port}`,
    "--inspector-port=0",
    `--env-file=${options.envFile}`,
    `--persist-to=${options.persistDir}`,
    "--show-interactive-dev-session=false",
  ];
}

/** Offline and without questions; a user's own setting wins. */
function wranglerEnvironment(): NodeJS.ProcessEnv {
  return { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false", CI: "1", ...process.env };
}

function relayOutput(child: ChildProcess, logger: Logger): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      if (line.trim() !== "") logger.info({ event: "worker_output" }, `[worker] ${line}`);
    });
  }
}

/** What wrangler tells a parent process that gave it a channel. */
function isReadyMessage(message: unknown): boolean {
  return typeof message === "string" && message.includes('"DEV_SERVER_READY"');
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}
