/**
 * How long it takes from the answer to whoever deletes or creates a CA certificate until the edge does as told, seen by
 * clients on connections that are kept open and busy.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { KeptOpenReport, VerdictChange } from "../../processes/kept-open-process.ts";
import type { Child } from "../../processes/start-child.ts";
import type { CaOperator, Done } from "./ca-operator.ts";

/** All in milliseconds from the operator's answer; negative where a client was faster than that. */
export interface ChangeTimes {
  /** To the first answer with the new verdict on any connection */
  firstMs: number;
  /** To the moment in which every connection had one */
  allMs: number;
  /** The operation itself */
  tookMs: number;
  /** The slowest answer to any request around the change */
  slowestMs: number;
}

export interface MeasuredChanges {
  deleted: ChangeTimes[];
  created: ChangeTimes[];
  /** Requests answered meanwhile, a second */
  answersPerSecond: number;
}

interface ChangeOptions {
  operator: CaOperator;
  /** The id of the CA certificate that is there at the start, and again at the end */
  id: string;
  load: Child<object>;
  connections: number;
  /** Each is one deletion and one creation */
  times: number;
}

const POLL_MS = 25;
/** Reconnections, and the edge's writing to disk, are over by then */
const CALM_MS = 300;
const SETTLE_TIMEOUT_MS = 10_000;
const isAccepted = (verdict: string) => verdict === "SUCCESS";
const isRefused = (verdict: string) => verdict.startsWith("FAILED:");

/** @returns the times, and the id that the CA certificate has at the end */
export async function measureChanges(options: ChangeOptions): Promise<MeasuredChanges & { id: string }> {
  const { operator, load, times } = options;
  const measured = { deleted: [] as ChangeTimes[], created: [] as ChangeTimes[] };
  let { id } = options;
  let answers = 0;
  const startedMs = performance.now();
  const watch = async (isExpected: (verdict: string) => boolean) => {
    const report = await watchChange(options, isExpected);
    answers += report.answers;
    return report;
  };
  for (let count = 0; count < times; count++) {
    const deleted = await operator.remove(id);
    const refused = await watch(isRefused);
    assertOnOpenConnection(refused.changes);
    measured.deleted.push(describe(deleted, refused));
    answers += await settle(load);
    const created = await operator.create();
    id = created.id;
    measured.created.push(describe(created, await watch(isAccepted)));
    answers += await settle(load);
  }
  return { ...measured, id, answersPerSecond: answers / ((performance.now() - startedMs) / 1_000) };
}

/** Waits until all connections have been told what is expected, and of each the first time. */
export async function watchChange(
  { load, connections }: Pick<ChangeOptions, "load" | "connections">,
  isExpected: (verdict: string) => boolean,
): Promise<KeptOpenReport> {
  const seen = new Map<number, VerdictChange>();
  const total = { answers: 0, slowestMs: 0 };
  const limitMs = performance.now() + SETTLE_TIMEOUT_MS;
  while (seen.size < connections) {
    if (performance.now() > limitMs) {
      throw new Error(`only ${seen.size} of ${connections} connections saw the change in ${SETTLE_TIMEOUT_MS} ms`);
    }
    await delay(POLL_MS);
    const { changes, answers, slowestMs } = await load.ask<KeptOpenReport>();
    total.answers += answers;
    total.slowestMs = Math.max(total.slowestMs, slowestMs);
    for (const change of changes) {
      if (isExpected(change.verdict) && !seen.has(change.connection)) seen.set(change.connection, change);
    }
  }
  return { ...total, changes: [...seen.values()] };
}

/** What happens from here on belongs to the next change. @returns how many requests were answered meanwhile */
async function settle(load: Child<object>): Promise<number> {
  await delay(CALM_MS);
  return (await load.ask<KeptOpenReport>()).answers;
}

/** A refusal after a new handshake would say nothing about connections that are kept open. */
function assertOnOpenConnection(changes: readonly VerdictChange[]): void {
  const first = changes.toSorted((one, other) => one.atMs - other.atMs)[0];
  if (first?.isOnOpenConnection !== true) throw new Error("the first refusal came on a new connection");
}

function describe({ answeredMs, tookMs }: Done, { changes, slowestMs }: KeptOpenReport): ChangeTimes {
  const times = changes.map(({ atMs }) => atMs - answeredMs);
  return { firstMs: Math.min(...times), allMs: Math.max(...times), tookMs, slowestMs };
}
