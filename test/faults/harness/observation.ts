/**
 * One fault from before to after: an undisturbed window, what happens while it lasts, and the way back. What holds for
 * every fault is asserted here: nothing wrong was answered, no stranger was taken for a verified client, nothing crashed,
 * afterwards verified clients are answered as before, and the edge's memory is back.
 */
import { setTimeout as delay } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import type { ClientsReport, Counts } from "../processes/clients.ts";
import type { FaultRow } from "../table.ts";
import { forgetPeak, readResident } from "./memory.ts";
import type { Stand } from "./stand.ts";

const UNDISTURBED_MS = 4_000;
/** What connections were opened in a hurry is forgotten, clients that gave up have come back */
const SETTLE_MS = 1_000;
const RECOVERY_WINDOW_MS = 2_000;
const RECOVERY_LIMIT_MS = 60_000;
/** Of the rate before; the rest is what other work on the machine may take */
const RECOVERED_SHARE = 0.5;
/** Above the heap before the fault, after garbage collection: caches, and code that was compiled on the way */
export const HEAP_GROWTH_MAX_MEBIBYTES = 32;

export interface Observation {
  /**
   * What the clients saw while `action` ran, which is the fault's whole time.
   *
   * @param fault given for another line in the table, of the same test
   */
  during(action: () => Promise<void>, fault?: string): Promise<ClientsReport>;
  /** For the last column of the line, in words */
  note(refused: string): void;
  /** Waits until all is as before, and puts the lines into the table. @param refused {@link note}, unless that was done */
  recover(refused?: string): Promise<void>;
}

/** @param task of the test, under whose name the line is found */
export async function observe(stand: Stand, { task }: TestContext, fault: string): Promise<Observation> {
  await delay(SETTLE_MS);
  const undisturbed = await watchUntil(stand, UNDISTURBED_MS, () => true);
  const heapBefore = (await stand.askEdge()).heapMebibytes;
  const { pid } = stand.edge;
  const before = readResident(pid).nowMebibytes;
  const rows: FaultRow[] = [];
  return {
    async during(action, name = fault) {
      forgetPeak(pid);
      await stand.askClients();
      await action();
      const seen = await stand.askClients();
      assertNothingWrong(seen);
      const memory = { before, worst: readResident(pid).peakMebibytes, ...{ after: 0, heapBefore, heapAfter: 0 } };
      const load = { before: ratesOf(undisturbed), during: summarize(seen) };
      rows.push({ fault: name, load, memory, refused: "" });
      return seen;
    },
    note: (refused) => Object.assign(rows.at(-1) ?? {}, { refused }),
    async recover(refused) {
      const wanted = ratesOf(undisturbed).perSecond * RECOVERED_SHARE;
      await watchUntil(stand, RECOVERY_WINDOW_MS, (report) => ratesOf(report).perSecond >= wanted);
      const heapAfter = await waitForMemory(stand, heapBefore);
      expect((await stand.askEdge()).crashes).toEqual([]);
      const after = readResident(pid).nowMebibytes;
      for (const { memory } of rows) Object.assign(memory ?? {}, { after, heapAfter });
      if (refused !== undefined) Object.assign(rows.at(-1) ?? {}, { refused });
      task.meta.faults = [...(task.meta.faults ?? []), ...rows];
    },
  };
}

export function assertNothingWrong({ wrong, strangers }: ClientsReport): void {
  expect(wrong).toEqual([]);
  expect(Object.keys(strangers).filter((heard) => heard.includes("SUCCESS"))).toEqual([]);
}

/** Windows of `windowMs`, until one in which nothing failed and `isEnough`: that one. */
async function watchUntil(
  stand: Stand,
  windowMs: number,
  isEnough: (report: ClientsReport) => boolean,
): Promise<ClientsReport> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  await stand.askClients();
  for (;;) {
    await delay(windowMs);
    const report = await stand.askClients();
    assertNothingWrong(report);
    const failed = total(report.failed) + total(report.handshakes.failed);
    if (failed === 0 && isEnough(report)) return report;
    if (performance.now() > deadline) {
      throw new Error(`verified clients are not answered as they should be: ${JSON.stringify(report)}`);
    }
  }
}

/** @returns the heap afterwards */
async function waitForMemory(stand: Stand, heapBefore: number): Promise<number> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  for (;;) {
    const { heapMebibytes } = await stand.askEdge();
    if (heapMebibytes <= heapBefore + HEAP_GROWTH_MAX_MEBIBYTES) return heapMebibytes;
    if (performance.now() > deadline) {
      throw new Error(`the edge's heap has ${heapMebibytes} MiB after the fault, ${heapBefore} before it`);
    }
    await delay(1_000);
  }
}

type LoadRow = NonNullable<FaultRow["load"]>;

function summarize(report: ClientsReport): LoadRow["during"] {
  const { answered, failed, handshakes } = report;
  const { made } = handshakes;
  return { ...ratesOf(report), answered, failed, handshakes: { made, failed: total(handshakes.failed) } };
}

function ratesOf({ answered, seconds, latencyMs }: ClientsReport): LoadRow["before"] {
  return { perSecond: answered / seconds, p99Ms: latencyMs.p99 };
}

export function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
