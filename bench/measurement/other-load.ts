/** What else keeps the machine busy while a suite does nothing: numbers from a busy machine are those of its load. */
import { setTimeout as delay } from "node:timers/promises";
import { readCpuMicroseconds, readMachineCpuMicroseconds } from "./cpu-time.ts";

const LOOK_MS = 1_000;

/** Processors that others keep busy; undefined where the system does not tell. */
export async function measureOtherLoad(): Promise<number | undefined> {
  const look = () => ({
    all: readMachineCpuMicroseconds(),
    own: readCpuMicroseconds(process.pid),
    ms: performance.now(),
  });
  const from = look();
  await delay(LOOK_MS);
  const to = look();
  if (from.all === undefined || to.all === undefined) return undefined;
  const others = to.all - from.all - ((to.own ?? 0) - (from.own ?? 0));
  return Math.max(0, others) / 1_000 / (to.ms - from.ms);
}
