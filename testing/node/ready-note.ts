/** When a stack answers: it writes `ready.json` into its state directory then, and not before (cli/stack/running-stack.ts). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ReadyNote } from "../../cli/stack/running-stack.ts";

const START_TIMEOUT_MS = 90_000;
const POLL_MS = 50;

export interface StartingStack {
  stateDir: string;
  /** The note of another process, one that was killed, does not count */
  pid: number | undefined;
  hasEnded(): boolean;
  /** What it said so far, for people */
  output(): string;
}

/** @throws Error with the end of the output, when it ended or took longer than {@link START_TIMEOUT_MS} */
export async function waitForReadyNote({ stateDir, pid, hasEnded, output }: StartingStack): Promise<ReadyNote> {
  const path = join(stateDir, "ready.json");
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const note = readNote(path);
    if (note !== undefined && note.pid === pid) return note;
    if (hasEnded()) throw new Error(`the stack ended before it was ready: ${output()}`);
    if (Date.now() > deadline)
      throw new Error(`the stack was not ready within ${START_TIMEOUT_MS / 1_000} s: ${output()}`);
    await delay(POLL_MS);
  }
}

function readNote(path: string): ReadyNote | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ReadyNote;
  } catch {
    return undefined;
  }
}
