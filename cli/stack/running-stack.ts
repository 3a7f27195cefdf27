/** One stack a state directory, and `ready.json`: the note of a stack that answers, for scripts and other commands. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../output.ts";
import { lockFile } from "./file-lock.ts";
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

/** Until it is disposed of, or this process ends. @throws CliError when another stack has it; a dead one's note goes */
export function holdStateDirectory(state: StateDirectory): Disposable {
  const lock = lockFile(join(state.path, "stack.lock"));
  if (lock === undefined) {
    throw new CliError(
      `another stack uses the state directory "${state.path}"`,
      "end it, or give this one a directory of its own with --state-dir",
    );
  }
  removeReadyNote(state);
  return lock;
}
