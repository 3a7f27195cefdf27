/**
 * Several edge processes on one port (node:cluster), which share nothing: each has its own copy of the trust, its own
 * connections to worker and origins, its own part of the numbers. All of them accept connections on one listening socket,
 * which this process keeps. A process that dies is started again, and takes its connections with it and no others.
 */
import cluster from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { AggregatorRegistry } from "prom-client";
import type { RunningEdge } from "../edge.ts";
import type { UpstreamOptions } from "../ingress/upstream.ts";
import { findModule } from "../module-path.ts";
import type { Readiness } from "../operations.ts";
import type { EdgeProcessOptions } from "./calls.ts";
import { type SupervisedProcess, superviseProcess } from "./supervised-process.ts";

const PROCESS = findModule("./edge-process.ts", import.meta.url);

const RESTART_DELAY_MS = 1_000;
/** A process that does not say within this time whether it is ready is not */
const READINESS_TIMEOUT_MS = 2_000;
/** Longer than an edge takes to cut what it cannot finish */
const CLOSE_TIMEOUT_MS = 15_000;

/** Trust that a load balancer should know of first */
const WORST_FIRST = ["refused", "stale", "current"] as const;

/** @throws as `startEdge`, when any of them cannot start */
export async function startEdgeProcesses(
  options: EdgeProcessOptions,
  count: number,
  logger: Logger,
): Promise<RunningEdge> {
  // By turns, which is Node's default, a connection that was on its way to a process that died would hang for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: PROCESS, serialization: "advanced", execArgv: ["--no-warnings"] });
  const processes = new Set<SupervisedProcess>();
  const forAll = <Result>(use: (process: SupervisedProcess) => Promise<Result>) => Promise.all([...processes].map(use));
  let current = options;
  let isClosing = false;

  async function launch() {
    const launched = superviseProcess(cluster.fork());
    processes.add(launched);
    launched.exited.then((how) => {
      processes.delete(launched);
      if (isClosing) return;
      logger.error(
        { event: "edge_process_ended", pid: launched.pid, how },
        "an edge process ended, another is started",
      );
      setTimeout(relaunch, RESTART_DELAY_MS);
    });
    const { upstream } = current;
    const started = await launched.call("start", current);
    if (current.upstream !== upstream) await launched.call("replaceUpstream", current.upstream);
    return started;
  }

  /** One that cannot start ends, and the next attempt follows. */
  function relaunch(): void {
    if (isClosing) return;
    launch().catch((error: Error) => logger.error({ event: "edge_process_failed", err: error }, error.message));
  }

  function killAll(): void {
    for (const process of processes) process.kill();
  }

  async function close(): Promise<void> {
    isClosing = true;
    const limit = setTimeout(killAll, CLOSE_TIMEOUT_MS);
    await forAll((process) => process.call("close", undefined).catch(() => undefined));
    await forAll((process) => process.exited);
    clearTimeout(limit);
  }

  const started = await Promise.all(Array.from({ length: count }, launch)).catch(async (error: unknown) => {
    isClosing = true;
    killAll();
    await forAll((process) => process.exited);
    throw error;
  });
  const [{ port, jwks }] = started as [(typeof started)[number]];
  const aggregator = new AggregatorRegistry();
  return {
    port,
    jwks,
    metrics: { contentType: aggregator.contentType, print: () => aggregator.clusterMetrics() },
    async readiness() {
      const answers = await forAll(askReadiness);
      return combineReadiness(answers.filter((answer) => answer !== undefined));
    },
    async replaceUpstream(upstream: UpstreamOptions) {
      current = { ...current, upstream };
      // Of one that dies meanwhile nothing is under way.
      await forAll((process) => process.call("replaceUpstream", upstream).catch(() => undefined));
    },
    close,
  };
}

async function askReadiness(process: SupervisedProcess): Promise<Readiness | undefined> {
  const answer = process.call("readiness", undefined).catch(() => undefined);
  return Promise.race([answer, delay(READINESS_TIMEOUT_MS, undefined, { ref: false })]);
}

/** As bad as the worst that answers: a load balancer cannot choose among them. */
function combineReadiness(answers: readonly Readiness[]): Readiness {
  const worst = WORST_FIRST.map((state) => answers.find(({ trust }) => trust.state === state)).find(Boolean);
  if (worst === undefined) throw new Error("no edge process answers");
  return { ...worst, isClosing: answers.some((answer) => answer.isClosing) };
}
