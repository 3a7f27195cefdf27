/** `ready.json`: the note of a stack that answers, for scripts and for a second stack that would share its directory. */
import { rmSync } from "node:fs";
import { readOptional } from "../../edge-shim/files.ts";
import { CliError } from "../output.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

export interface ReadyNote {
  /** `https://localhost:8443` */
  edge: string;
  /** `http://127.0.0.1:8444` */
  control: string;
  /** `https://localhost:8445`; absent with `--no-origin` */
  origin?: string;
  pid: number;
  account: string;
  project: string;
  environment: string;
  /** Absolute paths */
  files: Record<string, string>;
}

export function writeReadyNote(state: StateDirectory, note: ReadyNote): void {
  writePrivate(state.readyPath, `${JSON.stringify(note, null, 2)}\n`);
}

export function removeReadyNote(state: StateDirectory): void {
  rmSync(state.readyPath, { force: true });
}

/** @throws CliError when a stack that is alive uses this state directory; the note of a dead one is removed */
export function assertNotRunning(state: StateDirectory): void {
  const text = readOptional(state.readyPath);
  if (text === undefined) return;
  const pid = readPid(text);
  if (pid !== undefined && isAlive(pid)) {
    throw new CliError(
      `another stack (pid ${pid}) uses the state directory "${state.path}"`,
      "end it, or give this one a directory of its own with --state-dir",
    );
  }
  removeReadyNote(state);
}

function readPid(text: string): number | undefined {
  try {
    const { pid } = JSON.parse(text) as Partial<ReadyNote>;
    return typeof pid === "number" && Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
