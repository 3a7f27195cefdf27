/** The gateway worker under Miniflare: what `sallyport serve` runs, as fast as workerd is. */
import { join } from "node:path";
import type { Logger } from "pino";
import { findModule } from "../module-path.ts";
import type { MiniflareProcessOptions } from "./miniflare-process.ts";
import { createSupervisedChild, type SupervisedChild } from "./supervised-child.ts";

const PROCESS = findModule("./miniflare-process.ts", import.meta.url);

export const SOCKET_NAME = "worker";

/**
 * The unix socket that the worker listens on, which nobody but this user reaches. Miniflare makes the address, `host:port`,
 * and workerd takes one that begins with `unix:` for a path.
 */
export function workerSocketPath(directory: string): string {
  return join(directory, `${SOCKET_NAME}:0`);
}

export interface MiniflareWorkerOptions extends MiniflareProcessOptions {
  projectDir: string;
  logger: Logger;
}

export function createMiniflareWorker({ projectDir, logger, ...options }: MiniflareWorkerOptions): SupervisedChild {
  return createSupervisedChild({
    name: "worker",
    modulePath: PROCESS,
    // Variables, secrets among them, are in files: arguments are seen by everybody on the machine.
    arguments: [JSON.stringify(options satisfies MiniflareProcessOptions)],
    workingDirectory: projectDir,
    environment: { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false", ...process.env },
    isReadyMessage: (message) => message === "ready",
    onOutput(line) {
      if (line.trim() !== "") logger.info({ event: "worker_output" }, `[worker] ${line}`);
    },
    logger,
  });
}
