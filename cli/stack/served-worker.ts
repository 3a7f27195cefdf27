/**
 * The worker of `sallyport serve`, which is replaced without losing a request: SIGHUP bundles the project anew, starts a
 * second worker, has the edge send requests there when it answers, and ends the first when it has answered its own. A
 * project that does not build, or a worker that does not start, leaves the first in place.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningEdge } from "../../edge-shim/edge.ts";
import type { UpstreamOptions } from "../../edge-shim/ingress/upstream.ts";
import { bundleProject } from "../../edge-shim/workers/bundle-project.ts";
import { createMiniflareWorker, workerSocketPath } from "../../edge-shim/workers/miniflare-worker.ts";
import type { SupervisedChild } from "../../edge-shim/workers/supervised-child.ts";
import type { StackWorker, StackWorkerOptions } from "./run-stack.ts";
import { createSocketDirectory } from "./socket-directory.ts";

/** Requests under way at a worker that was replaced have this long */
const DRAIN_MS = 30_000;

/** One bundle of the project, and who runs it. */
interface Generation {
  upstream: UpstreamOptions;
  child: SupervisedChild;
  outDir: string;
  /** In the system's temporary folder, since the path of a socket has to be short */
  socketDirectory: string;
}

/** @param wasAskedEarly whether SIGHUP came before there was a worker to be replaced */
export async function createServedWorker(
  options: StackWorkerOptions,
  wasAskedEarly: () => boolean,
): Promise<StackWorker> {
  let current = await createGeneration(options);
  let edge: Pick<RunningEdge, "replaceUpstream"> | undefined;
  let reloading: Promise<void> | undefined;
  let isStopping = false;

  async function reload(): Promise<void> {
    const { logger } = options;
    try {
      const next = await createGeneration(options);
      await startGeneration(next);
      if (isStopping || edge === undefined) return await endGeneration(next);
      const before = current;
      current = next;
      logger.info({ event: "worker_replaced", socket: next.upstream.socketPath }, "a new worker serves from now on");
      await Promise.race([edge.replaceUpstream(next.upstream), delay(DRAIN_MS, undefined, { ref: false })]);
      await endGeneration(before);
    } catch (error) {
      logger.error(
        { event: "worker_kept", err: error },
        "the project could not be reloaded, the last good worker goes on",
      );
    }
  }

  /** One after the other; a signal that comes meanwhile is one more after it. */
  function askForReload(): void {
    reloading = (reloading ?? Promise.resolve()).then(reload);
  }

  return {
    upstream: current.upstream,
    start: () => startGeneration(current),
    attach(attached) {
      edge = attached;
      process.on("SIGHUP", askForReload);
      if (wasAskedEarly()) askForReload();
    },
    async stop() {
      isStopping = true;
      process.off("SIGHUP", askForReload);
      await reloading;
      await endGeneration(current);
    },
  };
}

async function createGeneration(options: StackWorkerOptions): Promise<Generation> {
  const { projectDir, configPath, envFiles, egressSocketPath, state, logger } = options;
  const outDir = mkdtempSync(join(state.path, "bundle-"));
  const scriptPath = await bundleProject(projectDir, configPath, outDir).catch((error: unknown) => {
    rmSync(outDir, { recursive: true, force: true });
    throw error;
  });
  const socketDirectory = createSocketDirectory();
  const paths = { scriptPath, configPath, envFiles, socketDirectory, egressSocketPath, persistDir: state.persistPath };
  const child = createMiniflareWorker({ projectDir, logger, ...paths });
  // The name means nothing: no address is looked up.
  const upstream = { url: "http://worker", socketPath: workerSocketPath(socketDirectory) };
  return { upstream, child, outDir, socketDirectory };
}

async function startGeneration(generation: Generation): Promise<void> {
  try {
    await generation.child.start();
  } catch (error) {
    await endGeneration(generation);
    throw error;
  }
}

async function endGeneration({ child, outDir, socketDirectory }: Generation): Promise<void> {
  await child.stop();
  for (const directory of [outDir, socketDirectory]) rmSync(directory, { recursive: true, force: true });
}
