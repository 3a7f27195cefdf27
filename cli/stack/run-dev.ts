/** What `sallyport dev` does: start everything, say so when it answers, end everything. */
import { join, resolve } from "node:path";
import type { Logger } from "pino";
import { createLogger } from "../../edge-shim/log.ts";
import { createControlTrustSource } from "../../edge-shim/trust/control-trust-source.ts";
import { createWranglerDev } from "../../edge-shim/workers/wrangler-dev.ts";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import type { RouteDefinition } from "../../src/contract/project.ts";
import { createEmbeddedControlPlane } from "../control/control-child.ts";
import { buildOrExplain } from "./build-or-explain.ts";
import { demoOriginVariables, startDemoOrigin } from "./demo-origin.ts";
import { ensureDemoPkiOf } from "./demo-trust.ts";
import { planEgress } from "./egress.ts";
import type { ControlFlags, DeploymentFlags, EdgeFlags, OriginFlags } from "./flags.ts";
import { createLifetime, type Lifetime } from "./lifetime.ts";
import { findFreePort, reservePort } from "./ports.ts";
import { provision } from "./provision.ts";
import { printReadyBlock, sendAll } from "./ready-block.ts";
import { createReadyLines } from "./ready-requests.ts";
import { assertNotRunning, removeReadyNote, writeReadyNote } from "./running-stack.ts";
import { startStackEdge } from "./start-edge.ts";
import {
  openStateDirectory,
  readSigningJwks,
  type StateDirectory,
  writeEnvFile,
  writeWorkerEnv,
} from "./state-directory.ts";
import { ensureWranglerConfig, findVariableFiles } from "./wrangler-config.ts";

export interface DevFlags extends EdgeFlags, DeploymentFlags, ControlFlags, OriginFlags {
  projectDir: string;
  once: boolean;
}

/** What ends each thing that was started */
type Started = (() => Promise<void>)[];

export async function runDev(flags: DevFlags): Promise<void> {
  const lifetime = createLifetime();
  const logger = createLogger(flags.logFormat);
  const projectDir = resolve(flags.projectDir);
  const { buildId, routes } = await buildOrExplain(projectDir);
  const state = openStateDirectory(flags.stateDir);
  assertNotRunning(state);
  const started: Started = [];
  const starting = start(flags, { projectDir, buildId, state, logger, started });
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
  buildId: string;
  state: StateDirectory;
  logger: Logger;
  started: Started;
}

interface RunningStack {
  state: StateDirectory;
  pki: DemoPkiPaths;
  edgeUrl: string;
  controlUrl: string;
  originUrl: string | undefined;
  apiKeyPath: string;
}

async function start(flags: DevFlags, options: StartOptions): Promise<RunningStack> {
  const { state, logger, started } = options;
  await reservePort(flags.host, flags.port, "--port");
  const controlPort = await reservePort("127.0.0.1", flags.controlPort, "--control-port");
  const workerPort = await findFreePort();
  const deployment = { account: flags.account, project: flags.project, environment: flags.environment };
  const egress = await planEgress(state, flags, deployment, true);
  const pki = await ensureDemoPkiOf(state);
  const origin = flags.origin ? await startDemoOrigin(flags.originPort, pki, logger) : undefined;
  if (origin !== undefined) started.push(() => origin.close());
  writeEnvFile(state.originEnvPath, origin === undefined ? {} : demoOriginVariables(origin));
  const jwks = await readSigningJwks(state);
  writeWorkerEnv(state, { jwks, environment: flags.environment, egress: egress.variables });

  const { managedDomainBase, dnsServer: dnsServers } = flags;
  const control = createEmbeddedControlPlane(state, { port: controlPort, managedDomainBase, dnsServers }, logger);
  started.push(() => control.child.stop());
  const worker = createWranglerDev({
    projectDir: options.projectDir,
    configPath: ensureWranglerConfig(options.projectDir, state),
    port: workerPort,
    envFiles: [state.originEnvPath, ...findVariableFiles(options.projectDir), state.workerEnvPath],
    persistDir: state.persistPath,
    logger,
  });
  started.push(() => worker.stop());
  const workerStart = worker.start();
  workerStart.catch(() => {});

  await control.child.start();
  const provisioned = await provision(control, state, { ...deployment, buildId: options.buildId }, pki);
  const cachePath = join(state.path, "control-bundle.json");
  const { edge, close } = await startStackEdge({
    flags,
    environment: flags.environment,
    state,
    upstreamUrl: `http://127.0.0.1:${workerPort}`,
    egress: egress.options,
    trustSource: createControlTrustSource({ url: control.url, apiKey: provisioned.edgeKey, cachePath }),
    logger,
  });
  started.push(close);
  await workerStart;
  return {
    state,
    pki,
    edgeUrl: `https://localhost:${edge.port}`,
    controlUrl: control.url,
    originUrl: origin?.url,
    apiKeyPath: provisioned.apiKeyPath,
  };
}

async function serve(
  flags: DevFlags,
  { state, pki, edgeUrl, controlUrl, originUrl, apiKeyPath }: RunningStack,
  routes: readonly RouteDefinition[],
  lifetime: Lifetime,
): Promise<void> {
  const lines = createReadyLines(pki, routes, originUrl !== undefined);
  if (flags.once) {
    await sendAll(edgeUrl, state.edgeCaPath, lines);
    return;
  }
  const { account, project, environment } = flags;
  writeReadyNote(state, {
    edge: edgeUrl,
    control: controlUrl,
    ...(originUrl === undefined ? {} : { origin: originUrl }),
    pid: process.pid,
    account,
    project,
    environment,
    files: { edgeCa: state.edgeCaPath, apiKey: apiKeyPath, ...pki },
  });
  printReadyBlock({ edgeUrl, controlUrl, originUrl, edgeCaPath: state.edgeCaPath, lines });
  await lifetime.ended;
}
