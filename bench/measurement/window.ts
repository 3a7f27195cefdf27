/** The time in which a load process counts: after a warm-up, with the CPU time of everybody involved at both ends. */
import { setTimeout as delay } from "node:timers/promises";
import { readCpuMicroseconds, readMachineCpuMicroseconds } from "./cpu-time.ts";
import type { Sample } from "./sample.ts";

export interface Window {
  warmUpMs: number;
  measureMs: number;
  /** Operations before which the warm-up is not over either: by then all connections are there; default 1 */
  warmUpOperations?: number;
  /** Process ids whose CPU time is read, by the names that the table gives them; those of a list are added up */
  watched: Record<string, number | readonly number[]>;
}

/** The name under which a load process reports itself. */
export const LOAD_PROCESS = "load";

const WARM_UP_MAX_MS = 15_000;
const WARM_UP_LOOK_MS = 10;
const MICROSECONDS_PER_SECOND = 1_000_000;

/** @param onStart called when the warm-up is over */
export async function measureWindow(window: Window, count: () => number, onStart?: () => void): Promise<Sample> {
  const watched = Object.entries({ ...window.watched, [LOAD_PROCESS]: process.pid });
  const snapshot = () => ({
    operations: count(),
    milliseconds: performance.now(),
    cpu: watched.map(([, pids]) => addUp([pids].flat().map(readCpuMicroseconds))),
    machineCpu: readMachineCpuMicroseconds(),
  });
  await warmUp(window, count);
  onStart?.();
  const start = snapshot();
  await delay(window.measureMs);
  const end = snapshot();
  const operations = end.operations - start.operations;
  if (operations === 0) throw new Error("nothing was answered in the time that was measured");
  const seconds = (end.milliseconds - start.milliseconds) / 1_000;
  const cpuMicroseconds: Record<string, number> = {};
  let ownCpu = 0;
  watched.forEach(([name], index) => {
    const [from, to] = [start.cpu[index], end.cpu[index]];
    if (from === undefined || to === undefined) return;
    cpuMicroseconds[name] = (to - from) / operations;
    ownCpu += to - from;
  });
  const sample = { operations, seconds, cpuMicroseconds };
  if (start.machineCpu === undefined || end.machineCpu === undefined) return sample;
  const othersCpu = Math.max(0, end.machineCpu - start.machineCpu - ownCpu);
  return { ...sample, othersProcessors: othersCpu / seconds / MICROSECONDS_PER_SECOND };
}

async function warmUp({ warmUpMs, warmUpOperations = 1 }: Window, count: () => number): Promise<void> {
  await delay(warmUpMs);
  const deadline = performance.now() + WARM_UP_MAX_MS;
  while (count() < warmUpOperations && performance.now() < deadline) await delay(WARM_UP_LOOK_MS);
}

function addUp(times: (number | undefined)[]): number | undefined {
  return times.reduce((sum, time) => (sum === undefined || time === undefined ? undefined : sum + time), 0);
}
