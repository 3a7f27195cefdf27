/**
 * The gateway worker under Miniflare, in a process of its own: run by miniflare-worker.ts, which it tells when requests
 * are answered. Requests reach workerd directly, without Miniflare's entry worker, which costs two thirds of the
 * throughput and believes headers that only wrangler should send (toolchain.md).
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { EGRESS_BINDING } from "../../src/contract/egress.ts";
import { endWithWorkerd } from "./end-with-workerd.ts";
import { SOCKET_NAME, workerSocketPath } from "./miniflare-worker.ts";

export interface MiniflareProcessOptions {
  /** What wrangler made of the project: one ES module */
  scriptPath: string;
  /** Wrangler's configuration of the project: bindings, variables, compatibility */
  configPath: string;
  /** Files with `NAME=value` lines; of two values the later file's counts */
  envFiles: readonly string[];
  /** Private, and short: the path of a unix socket in it has 107 bytes at most */
  socketDirectory: string;
  /** Of the egress' unix socket; undefined where the worker has an URL for it */
  egressSocketPath: string | undefined;
  persistDir: string;
}

/** How Miniflare calls it, which nobody else does */
const WORKER_NAME = "gateway";

function readVariables(paths: readonly string[]): Record<string, string> {
  return Object.assign({}, ...paths.map((path) => parseEnv(readFileSync(path, "utf8"))));
}

/** Straight to the egress: what a worker's own `fetch` sends goes through another worker of Miniflare's first. */
function bindEgress(path: string | undefined) {
  return path === undefined ? {} : { [EGRESS_BINDING]: { external: { address: `unix:${path}`, http: {} } } };
}

async function main(options: MiniflareProcessOptions): Promise<void> {
  const socketPath = workerSocketPath(options.socketDirectory);
  // Of a process that was killed
  rmSync(socketPath, { force: true });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(options.configPath);
  // Bindings that work on Cloudflare only: here the egress presents certificates.
  const { mtlsCertificates: _, modulesRules: __, ...bindings } = workerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      cf: false,
      logRequests: false,
      defaultPersistRoot: options.persistDir,
      workers: [
        {
          ...bindings,
          name: WORKER_NAME,
          modulesRoot: "/",
          modules: [{ type: "ESModule", path: options.scriptPath }],
          bindings: { ...(bindings.bindings as object), ...readVariables(options.envFiles) },
          serviceBindings: { ...(bindings.serviceBindings as object), ...bindEgress(options.egressSocketPath) },
          unsafeDirectSockets: [{ host: `unix:${join(options.socketDirectory, SOCKET_NAME)}`, port: 0 }],
        },
      ],
    }),
  );
  await miniflare.ready;
  endWithWorkerd({ path: socketPath });
  process.send?.("ready");
}

await main(JSON.parse(process.argv[2] ?? "{}") as MiniflareProcessOptions);
