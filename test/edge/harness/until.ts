/** Waiting for what another process or socket will do, without saying when. */
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 5;
const LIMIT_MS = 10_000;

/** The first value of `look` that is neither undefined nor false. @throws Error when that takes longer than any machine needs */
export async function until<Value>(look: () => Value | undefined | false): Promise<Value> {
  for (let waitedMs = 0; waitedMs < LIMIT_MS; waitedMs += POLL_MS) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    await delay(POLL_MS);
  }
  throw new Error(`waited ${LIMIT_MS} ms for: ${look}`);
}
