/** `sallyport dev` or `serve` as a process of a test: on free ports, with a state of its own, and gone with the test's process. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadyNote } from "../../cli/stack/running-stack.ts";
import { findModule } from "../../edge-shim/module-path.ts";
import { WRANGLER_ENVIRONMENT } from "../../edge-shim/workers/wrangler-dev.ts";
import { waitForReadyNote } from "./ready-note.ts";

const CLI = findModule("../../cli/main.ts", import.meta.url);
/** Ends the process when this one is gone, however it went */
const GUARD = findModule("../../edge-shim/workers/process-group-guard.ts", import.meta.url);
const FREE_PORTS = ["--port", "0", "--control-port", "0", "--origin-port", "0", "--metrics-port", "0"];
const SHOWN_OUTPUT_CHARACTERS = 4_000;

export interface StackProcess {
  readonly ready: ReadyNote;
  output(): string;
  stop(): Promise<void>;
}

/** Resolves when everything answers. @throws Error with what the process said */
export async function startStackProcess(
  command: "dev" | "serve",
  parameters: readonly string[],
): Promise<StackProcess> {
  const stateDir = mkdtempSync(join(tmpdir(), "sallyport-gateway-"));
  const child = fork(CLI, [command, ...FREE_PORTS, "--state-dir", stateDir, "--log-format", "json", ...parameters], {
    detached: true,
    execArgv: ["--no-warnings", "--import", GUARD],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...WRANGLER_ENVIRONMENT, ...process.env },
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const output = collectOutput(child);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;

  async function stop(): Promise<void> {
    if (!hasEnded()) child.kill("SIGTERM");
    await exited;
    rmSync(stateDir, { recursive: true, force: true });
  }

  try {
    const shown = () => output().slice(-SHOWN_OUTPUT_CHARACTERS);
    return { ready: await waitForReadyNote({ stateDir, pid: child.pid, hasEnded, output: shown }), output, stop };
  } catch (failure) {
    await stop();
    throw failure;
  }
}

function collectOutput({ stdout, stderr }: ChildProcess): () => string {
  let text = "";
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}
