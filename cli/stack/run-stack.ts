/**
 * What `sallyport dev` and `sallyport serve` have in common: start everything, say so when it answers, end everything.
 * They differ in who runs the worker, and where the control plane may be.
 */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Logger } from "pino";
import type { RunningEdge } from "../../edge-shim/edge.ts";
import type { UpstreamOptions } from "../../edge-shim/ingress/upstream.ts";
import { createLogger } from "../../edge-shim/log.ts";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import type { RouteDefinition } from "../../src/contract/project.ts";
import { buildOrExplain } from "./build-or-explain.ts";
import { demoOriginVariables, startDemoOrigin } from "./demo-origin.ts";
import { ensureDemoPkiOf } from "./demo-trust.ts";
import { planEgress } from "./egress.ts";
import type { ControlFlags, DeploymentFlags, EdgeFlags, OriginFlags } from "./flags.ts";
import { createLifetime, type Lifetime } from "./lifetime.ts";
import { reservePort } from "./ports.ts";
import type { Build } from "./provision.ts";
import { printReadyBlock, sendAll } from "./ready-block.ts";
import { createReadyLines } from "./ready-requests.ts";
import { holdStateDirectory, removeReadyNote, writeReadyNote } from "./running-stack.ts";
import { createSocketDirectory } from "./socket-directory.ts";
import { type StackControl, type StackControlFlags, startStackControl } from "./stack-control.ts";
import { startStackEdge } from "./start-edge.ts";
import {
  openStateDirectory,
  readSigningJwks,
  type StateDirectory,
  writeEnvFile,
  writeWorkerEnv,
} from "./state-directory.ts";
import { ensureWranglerConfig, findVariableFiles } from "./wrangler-config.ts";

export interface StackFlags extends EdgeFlags, DeploymentFlags, ControlFlags, OriginFlags, StackControlFlags {
  projectDir: string;
  once: boolean;
  /** Server certificates of the edge's owner */
  tlsDir?: string;
}

/** What a worker is started with. */
export interface StackWorkerOptions {
  projectDir: string;
  /** Wrangler's configuration file */
  configPath: string;
  /** Files with `NAME=value` lines; of two values the later file's counts */
  envFiles: readonly string[];
  state: StateDirectory;
  /** Of the egress, which the worker is to be given a binding to; undefined where it has an URL for it */
  egressSocketPath: string | undefined;
  logger: Logger;
}

export interface StackWorker {
  /** Known before it is started */
  readonly upstream: UpstreamOptions;
  /** Resolves when it answers. @throws Error when it does not */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Called when it answers and the edge is there, whose upstream it may replace from then on */
  attach?(edge: Pick<RunningEdge, "replaceUpstream">): void;
}

/** What tells `dev` from `serve`. */
export interface StackKind {
  createWorker(options: StackWorkerOptions): Promise<StackWorker>;
  /** Whether origins on this machine are what somebody would have; the demo's own is one in any case */
  hasLocalOrigins: boolean;
  /** Whether the worker is given a binding to the egress, which needs no port then */
  bindsEgress: boolean;
}

/** What ends each thing that was started */
type Started = (() => Promise<void>)[];

export async function runStack(flags: StackFlags, kind: StackKind): Promise<void> {
  const lifetime = createLifetime();
  const logger = createLogger(flags.logFormat);
  const projectDir = resolve(flags.projectDir);
  const { buildId, routes, mtlsCertificateNames } = await buildOrExplain(projectDir);
  const state = openStateDirectory(flags.stateDir);
  using _held = holdStateDirectory(state);
  const started: Started = [];
  const build = { buildId, mtlsCertificateNames };
  const starting = start(flags, { projectDir, build, state, logger, started, kind });
  try {
    const stack = await Promise.race([starting, lifetime.ended.then(() => undefined)]);
    if (stack !== undefined) await serve(flags, stack, routes, lifetime);
  } finally {
    removeReadyNote(state);
    await endAll(started);
    // A start that was given up in the middle may have started one thing more.
    await starting.catch(() => undefined);
    await endAll(started);
    logger.info({ event: "ended" }, "ended");
  }
}

/** In reverse: requests under way are answered before their worker goes. */
async function endAll(started: Started): Promise<void> {
  for (let end = started.pop(); end !== undefined; end = started.pop()) await end();
}

interface StartOptions {
  projectDir: string;
  /** What the deployment says of itself */
  build: Build;
  state: StateDirectory;
  logger: Logger;
  started: Started;
  kind: StackKind;
}

interface RunningStack {
  state: StateDirectory;
  pki: DemoPkiPaths;
  edgeUrl: string;
  control: StackControl;
  originUrl: string | undefined;
}

async function start(flags: StackFlags, options: StartOptions): Promise<RunningStack> {
  const { state, logger, started, projectDir, build, kind } = options;
  await reservePort(flags.host, flags.port, "--port");
  const socketDirectory = kind.bindsEgress ? createSocketDirectory() : undefined;
  if (socketDirectory !== undefined)
    started.push(async () => rmSync(socketDirectory, { recursive: true, force: true }));
  const isLocal = kind.hasLocalOrigins || flags.origin;
  const egress = await planEgress(state, flags, flags, { isLocal, socketDirectory });
  const { listen } = egress.options;
  const pki = await ensureDemoPkiOf(state);
  const origin = flags.origin ? await startDemoOrigin(flags.originPort, pki, logger) : undefined;
  if (origin !== undefined) started.push(() => origin.close());
  writeEnvFile(state.originEnvPath, origin === undefined ? {} : demoOriginVariables(origin));
  const jwks = await readSigningJwks(state);
  writeWorkerEnv(state, { jwks, environment: flags.environment, egress: egress.variables });

  const worker = await kind.createWorker({
    projectDir,
    configPath: ensureWranglerConfig(projectDir, state),
    envFiles: [state.originEnvPath, ...findVariableFiles(projectDir), state.workerEnvPath],
    state,
    egressSocketPath: "path" in listen ? listen.path : undefined,
    logger,
  });
  started.push(() => worker.stop());
  const workerStart = worker.start();
  workerStart.catch(() => {});

  const control = await startStackControl(flags, { state, pki, build, logger });
  started.push(() => control.stop());
  const { edge, close } = await startStackEdge({
    flags,
    environment: flags.environment,
    state,
    upstream: worker.upstream,
    egress: egress.options,
    tlsDir: flags.tlsDir,
    trustSource: {
      url: control.url,
      apiKey: control.edgeKey,
      cachePath: join(state.path, "control-bundle.json"),
    },
    logger,
  });
  started.push(close);
  await workerStart;
  worker.attach?.(edge);
  return { state, pki, edgeUrl: `https://localhost:${edge.port}`, control, originUrl: origin?.url };
}

async function serve(
  flags: StackFlags,
  { state, pki, edgeUrl, control, originUrl }: RunningStack,
  routes: readonly RouteDefinition[],
  lifetime: Lifetime,
): Promise<void> {
  const lines = createReadyLines(pki, routes, originUrl !== undefined);
  if (flags.once) {
    await sendAll(edgeUrl, state.edgeCaPath, lines);
    return;
  }
  const { account, project, environment } = flags;
  const { apiKeyPath } = control;
  writeReadyNote(state, {
    edge: edgeUrl,
    control: control.url,
    ...(originUrl === undefined ? {} : { origin: originUrl }),
    pid: process.pid,
    account,
    project,
    environment,
    files: { edgeCa: state.edgeCaPath, ...(apiKeyPath === undefined ? {} : { apiKey: apiKeyPath }), ...pki },
  });
  printReadyBlock({ edgeUrl, controlUrl: control.url, originUrl, edgeCaPath: state.edgeCaPath, lines });
  await lifetime.ended;
}
