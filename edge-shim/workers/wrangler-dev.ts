/** The gateway worker under `wrangler dev`, on a private loopback port: edit a file, and the next requests see it. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { createSupervisedChild, type SupervisedChild } from "./supervised-child.ts";

export interface WranglerDevOptions {
  /** Folder that wrangler runs in; `.wrangler/` appears here */
  projectDir: string;
  /** Wrangler's configuration file */
  configPath: string;
  /** Loopback port; must stay free across restarts */
  port: number;
  /** Files with `NAME=value` lines that become variables of the worker; of two values the later file's counts */
  envFiles: readonly string[];
  /** Folder for what the worker persists */
  persistDir: string;
  logger: Logger;
}

export const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "wrangler-dist",
  "cli.js",
);
/** Offline and without questions; a user's own setting wins. */
export const WRANGLER_ENVIRONMENT = { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false", CI: "1" };

export function createWranglerDev(options: WranglerDevOptions): SupervisedChild {
  const { logger } = options;
  return createSupervisedChild({
    name: "worker",
    modulePath: WRANGLER,
    arguments: [
      "dev",
      `--config=${options.configPath}`,
      "--ip=127.0.0.1",
      `--port=${options.port}`,
      "--inspector-port=0",
      ...options.envFiles.map((path) => `--env-file=${path}`),
      `--persist-to=${options.persistDir}`,
      "--show-interactive-dev-session=false",
    ],
    workingDirectory: options.projectDir,
    environment: { ...WRANGLER_ENVIRONMENT, ...process.env },
    // What wrangler tells a parent process that gave it a channel
    isReadyMessage: (message) => typeof message === "string" && message.includes('"DEV_SERVER_READY"'),
    onOutput(line) {
      if (line.trim() !== "") logger.info({ event: "worker_output" }, `[worker] ${line}`);
    },
    logger,
  });
}
