/** Clients that want to use the edge up: verified clients are served meanwhile, and what the others cost is bounded. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Child } from "../../bench/processes/start-child.ts";
import { waitFor } from "../system/sallyport.ts";
import { observe } from "./harness/observation.ts";
import { createStand, HOSTNAME, issue, type Stand } from "./harness/stand.ts";
import type { AttackInput } from "./processes/attack.ts";
import type { Counts } from "./processes/clients.ts";
import { INCOMPLETE } from "./processes/edge-events.ts";
import type { HalfHandshakesInput, HalfHandshakesReport } from "./processes/half-handshakes-process.ts";
import type { IdleInput, IdleReport } from "./processes/idle-process.ts";
import type { ResetsInput } from "./processes/resets-process.ts";
import type { SlowInput, Slowness } from "./processes/slow-process.ts";
import { printCounts } from "./table.ts";

const IDLE_CONNECTIONS = 10_000;
const IDLE_PROCESSES = 4;
const IDLE_CONCURRENCY = 20;
const HOLD_MS = 10_000;
const HALF_PER_SECOND = 2_000;
const HALF_SECONDS = 20;
const SLOW_CLIENTS = 500;
const SLOW_MS = 20_000;
const RESETTING_CLIENTS = 5;
const RESETTING_MS = 8_000;
/** For work that takes as long as the machine wants */
const PATIENCE_MS = 300_000;
const TEST_TIMEOUT_MS = 2 * PATIENCE_MS;
/** Shorter than the defaults, so that each is reached in the time of the test */
const LIMITS = { headersTimeoutMs: 6_000, requestTimeoutMs: 8_000, sendTimeoutMs: 6_000 };

let stand: Stand;
beforeAll(async () => {
  stand = await createStand({ limits: LIMITS });
});
afterAll(() => stand?.[Symbol.asyncDispose]());

/** @param from the first of twenty addresses of loopback */
function describeEdge(from: number): AttackInput {
  const localAddresses = Array.from({ length: 20 }, (_, index) => `127.0.0.${from + index}`);
  return { ...stand.edge.output, hostname: HOSTNAME, localAddresses };
}

/** @returns what the attacking process tells after `action` */
async function attack<Input extends object, Report>(
  name: string,
  input: Input,
  action: (ask: () => Promise<Report>) => Promise<void>,
): Promise<Report> {
  const child = await stand.start<Input, object>(name, input);
  try {
    await action(() => child.ask());
    return await child.ask();
  } finally {
    await child.stop();
  }
}

it("10,000 idle TLS connections are kept, and cost memory that comes back", {
  timeout: TEST_TIMEOUT_MS,
}, async (test) => {
  const observation = await observe(stand, test, "load: 10,000 TLS connections are opened");
  const idle: Child<object>[] = [];
  const ask = async () => addUp(await Promise.all(idle.map((child) => child.ask<IdleReport>())));
  try {
    const opening = await observation.during(async () => {
      idle.push(...(await startIdleClients()));
      const isOpen = async () => ((await ask()).open ?? 0) >= IDLE_CONNECTIONS || undefined;
      await waitFor(isOpen, () => "not all connections were opened", PATIENCE_MS);
    });
    expect(opening.leastInASecond).toBeGreaterThan(0);
    observation.note(printCounts(await ask()));
    const holding = await observation.during(() => delay(HOLD_MS), "load: 10,000 idle TLS connections");
    expect(holding.leastInASecond).toBeGreaterThan(0);
    const held = await ask();
    expect(held.open).toBeGreaterThanOrEqual(IDLE_CONNECTIONS);
    expect(held.closed).toBe(0);
    observation.note(printCounts(held));
  } finally {
    await Promise.all(idle.map((child) => child.stop()));
  }
  await observation.recover();
});

async function startIdleClients(): Promise<Child<object>[]> {
  const { subject: _, ...identity } = await issue(stand.ca, "CN=idle");
  const load = { connections: IDLE_CONNECTIONS / IDLE_PROCESSES, concurrency: IDLE_CONCURRENCY, identity };
  const inputs = Array.from({ length: IDLE_PROCESSES }, (_, index) => ({ ...describeEdge(2 + 20 * index), ...load }));
  return Promise.all(inputs.map((input) => stand.start<IdleInput, object>("idle", input)));
}

it("2,000 half handshakes a second do not shut out who means it", { timeout: TEST_TIMEOUT_MS }, async (test) => {
  const observation = await observe(stand, test, "load: 2,000 half handshakes a second, for 20 s");
  const input = { ...describeEdge(100), perSecond: HALF_PER_SECOND, total: HALF_PER_SECOND * HALF_SECONDS };
  const startedMs = performance.now();
  let report: Counts = {};
  const { leastInASecond } = await observation.during(async () => {
    report = await attack<HalfHandshakesInput, HalfHandshakesReport>("half-handshakes", input, async (ask) => {
      const isBegun = async () => (await ask()).begun >= input.total || undefined;
      await waitFor(isBegun, () => "not all half handshakes were begun", PATIENCE_MS);
    });
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  expect(leastInASecond).toBeGreaterThan(0);
  await observation.recover(`${printCounts(report)}, in ${seconds.toFixed(1)} s`);
});

it.for<Slowness>(["headers", "bodies", "answers"])(
  "500 clients with slow %s cost nobody else an answer",
  async (slowness, test) => {
    const observation = await observe(stand, test, `load: 500 clients with slow ${slowness}`);
    const input = { ...describeEdge(120), slowness, clients: SLOW_CLIENTS };
    const cutBefore = await countCutAnswers();
    let [report, cut]: [Counts, number] = [{}, 0];
    const { leastInASecond } = await observation.during(async () => {
      report = await attack<SlowInput, Counts>("slow", input, async () => {
        await delay(SLOW_MS);
        cut = (await countCutAnswers()) - cutBefore;
      });
    });
    expect(leastInASecond).toBeGreaterThan(0);
    if (slowness === "answers") expect(cut, "of those who took nothing").toBeGreaterThan(SLOW_CLIENTS / 4);
    else expect(report["408"]).toBeGreaterThan(SLOW_CLIENTS / 2);
    await observation.recover(
      `${printCounts(report)}${slowness === "answers" ? `; the edge cut ${cut} answers off` : ""}`,
    );
  },
);

async function countCutAnswers(): Promise<number> {
  return (await stand.askEdge()).events[INCOMPLETE] ?? 0;
}

it("clients that reset their HTTP/2 streams as they open them are thrown out (CVE-2023-44487)", async (test) => {
  const observation = await observe(stand, test, `load: HTTP/2 streams opened and reset, ${RESETTING_CLIENTS} clients`);
  const input = { ...describeEdge(140), clients: RESETTING_CLIENTS };
  let [report, mostAtWorker]: [Counts, number] = [{}, 0];
  const { leastInASecond } = await observation.during(async () => {
    report = await attack<ResetsInput, Counts>("resets", input, async () => {
      for (let waitedMs = 0; waitedMs < RESETTING_MS; waitedMs += 100) {
        await delay(100);
        mostAtWorker = Math.max(mostAtWorker, stand.proxy.open());
      }
    });
  });
  expect(leastInASecond).toBeGreaterThan(0);
  expect(report["thrown out"]).toBeGreaterThan(0);
  expect(mostAtWorker, "connections to the worker").toBeLessThan(500);
  await observation.recover(`${printCounts(report)}; ${mostAtWorker} connections to the worker at most`);
});

function addUp(reports: readonly Counts[]): Counts {
  const all: Counts = {};
  for (const report of reports)
    for (const [what, count] of Object.entries(report)) all[what] = (all[what] ?? 0) + count;
  return all;
}
