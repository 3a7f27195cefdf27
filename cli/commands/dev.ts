/** `sallyport dev`: the whole gateway on this machine, ready to be tried with curl. */
import { resolve } from "node:path";
import { Command } from "commander";
import type { Logger } from "pino";
import type { Edge } from "../../edge-shim/edge.ts";
import { createLogger } from "../../edge-shim/log.ts";
import type { SupervisedChild } from "../../edge-shim/workers/supervised-child.ts";
import { createWranglerDev } from "../../edge-shim/workers/wrangler-dev.ts";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import { buildProject } from "../build/build-project.ts";
import { formatProblem } from "../build/problem.ts";
import { CliError, error, hint, print, warning } from "../output.ts";
import { ensureDemoTrust } from "../stack/demo-trust.ts";
import { type EdgeFlags, edgeOptions } from "../stack/flags.ts";
import { findFreePort } from "../stack/free-port.ts";
import { createReadyLines, formatCurl, isExpected, type ReadyLine, sendReadyRequest } from "../stack/ready-requests.ts";
import { assertNotRunning, removeReadyNote, writeReadyNote } from "../stack/running-stack.ts";
import { startStackEdge } from "../stack/start-edge.ts";
import { openStateDirectory, type StateDirectory } from "../stack/state-directory.ts";
import { createLifetime } from "../stack/until-signal.ts";
import { ensureWranglerConfig } from "../stack/wrangler-config.ts";

interface DevFlags extends EdgeFlags {
  projectDir: string;
  once: boolean;
}

export function createDevCommand(): Command {
  const command = new Command("dev")
    .description("run the gateway on this machine: edge, worker under wrangler dev, demo certificates")
    .option("--project-dir <dir>", "the project with config/ and modules/", ".")
    .option("--once", "start, send the requests of the ready block, show the answers, end", false);
  for (const option of edgeOptions()) command.addOption(option);
  return command.action(runDev);
}

async function runDev(flags: DevFlags): Promise<void> {
  const lifetime = createLifetime();
  const logger = createLogger(flags.logFormat);
  const projectDir = resolve(flags.projectDir);
  await buildOrExplain(projectDir);
  const state = openStateDirectory(flags.stateDir);
  assertNotRunning(state);
  const pki = await ensureDemoTrust(state, flags);
  const workerPort = await findFreePort();
  const edge = await startStackEdge(flags, state, `http://127.0.0.1:${workerPort}`, state.trustBundlePath, logger);
  const worker = createWranglerDev({
    projectDir,
    configPath: ensureWranglerConfig(projectDir, state),
    port: workerPort,
    envFile: state.workerEnvPath,
    persistDir: state.persistPath,
    logger,
  });
  try {
    await Promise.race([worker.start(), lifetime.ended]);
    if (!lifetime.isEnding()) await serve(flags, { state, pki, edge, lifetime });
  } finally {
    removeReadyNote(state);
    await end(edge, worker, logger);
  }
}

interface RunningStack {
  state: StateDirectory;
  pki: DemoPkiPaths;
  edge: Edge;
  lifetime: ReturnType<typeof createLifetime>;
}

async function serve(flags: DevFlags, { state, pki, edge, lifetime }: RunningStack): Promise<void> {
  const edgeUrl = `https://localhost:${edge.port}`;
  const lines = createReadyLines(pki);
  if (flags.once) {
    await sendAll(edgeUrl, state.edgeCaPath, lines);
    return;
  }
  printReadyBlock(edgeUrl, state, lines);
  const { account, project, environment } = flags;
  writeReadyNote(state, {
    edge: edgeUrl,
    pid: process.pid,
    account,
    project,
    environment,
    files: { edgeCa: state.edgeCaPath, trustBundle: state.trustBundlePath, ...pki },
  });
  await lifetime.ended;
}

/** Requests under way are answered before the worker that answers them is ended. */
async function end(edge: Edge, worker: SupervisedChild, logger: Logger): Promise<void> {
  await edge.close();
  await worker.stop();
  logger.info({ event: "ended" }, "ended");
}

async function buildOrExplain(projectDir: string): Promise<void> {
  const result = await buildProject({ projectDir });
  if (result.ok) {
    for (const problem of result.warnings) warning(formatProblem(problem));
    return;
  }
  for (const problem of result.problems) {
    error(formatProblem(problem));
    if (problem.hint !== undefined) hint(problem.hint);
  }
  throw new CliError(
    `"${projectDir}" does not build, ${result.problems.length} problems`,
    "correct them and start again",
  );
}

function printReadyBlock(edgeUrl: string, state: StateDirectory, lines: readonly ReadyLine[]): void {
  print(`\nSallyport is ready: ${edgeUrl}`);
  for (const { title, requests } of lines) {
    print(`\n  # ${title}\n  ${formatCurl(edgeUrl, state.edgeCaPath, requests)}`);
  }
  print("");
}

/** @throws CliError when an answer was not the expected one */
async function sendAll(edgeUrl: string, edgeCaPath: string, lines: readonly ReadyLine[]): Promise<void> {
  let unexpected = 0;
  for (const request of lines.flatMap((line) => line.requests)) {
    const answer = await sendReadyRequest(edgeUrl, edgeCaPath, request);
    const isAsExpected = isExpected(request, answer);
    if (!isAsExpected) unexpected += 1;
    print(`# ${request.title}\n$ ${formatCurl(edgeUrl, edgeCaPath, [request])}`);
    print(`${isAsExpected ? "✓" : "✗"} ${answer.status} ${answer.body.trimEnd()}\n`);
  }
  if (unexpected > 0) throw new CliError(`${unexpected} answers were not the expected ones`);
}
