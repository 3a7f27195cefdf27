/** The gateway worker fails: its clients are told so, never given half an answer or somebody else's, and it comes back. */
import { once } from "node:events";
import { get } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask } from "../edge/harness/client.ts";
import { startTestEdge } from "../edge/harness/edge.ts";
import { waitFor } from "../system/sallyport.ts";
import { observe } from "./harness/observation.ts";
import { createStand, HOSTNAME, type Stand } from "./harness/stand.ts";
import type { ProxyMode } from "./harness/tcp-proxy.ts";
import { LARGE_PATH } from "./processes/answers.ts";

const FAULT_MS = 8_000;
/** Of the edge for a worker's response headers, and a client's to wait for more than that */
const HEADERS_TIMEOUT_MS = 100_000;
const PATIENCE_MS = 130_000;
/** For 20 clients, as many new connections, and strangers, twice over */
const CONNECTIONS_MAX = 80;

let stand: Stand;
/** A request to a worker that never answers, sent when the file begins: it takes as long as everything else here. */
let patient: Promise<{ status: number; waitedMs: number }>;
beforeAll(async () => {
  stand = await createStand();
  patient = waitForSilentWorker();
});
afterAll(() => stand?.[Symbol.asyncDispose]());

async function waitForSilentWorker() {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const edge = await startTestEdge({ upstream: { url } });
  const sentMs = performance.now();
  const { status } = await ask(edge);
  const waitedMs = performance.now() - sentMs;
  await edge[Symbol.asyncDispose]();
  silent.close();
  return { status, waitedMs };
}

it("a worker that is killed and started again is a 503 that says when to come back, or a cut answer", async (test) => {
  const observation = await observe(stand, test, "worker: killed, started again");
  const download = await startDownload();
  const { failed } = await observation.during(async () => {
    await stand.killWorker();
    await expect(download(), "an answer under way").rejects.toThrow(/aborted/);
    await delay(FAULT_MS / 2);
    await stand.startWorker();
  });
  expect(failed["503"]).toBeGreaterThan(0);
  expectOnly(failed, ["503", "cut"]);
  await observation.recover("503 with Retry-After");
});

it("a worker that answers garbage is a 503", async (test) => {
  const { failed, strangers } = await inMode(test, "garbage", "worker: answers garbage", "503 with Retry-After");
  expectOnly(failed, ["503", "cut"]);
  expect(failed["503"]).toBeGreaterThan(0);
  expect(strangers["503"]).toBeGreaterThan(0);
});

it("a worker that closes in the middle of its answers leaves broken answers, never short ones", async (test) => {
  const { failed } = await inMode(test, "cut", "worker: closes in the middle of its answers", "cut answers");
  expectOnly(failed, ["503", "cut"]);
  expect(failed.cut).toBeGreaterThan(0);
});

it("a worker that hangs keeps nobody who gives up waiting, and is found again", async (test) => {
  const { failed } = await inMode(test, "hang", "worker: accepts and never answers", "clients give up after 5 s");
  // Those that are waiting when the worker is started again
  expectOnly(failed, ["gave up waiting", "503"]);
  expect(failed["gave up waiting"]).toBeGreaterThan(0);
});

it(
  "a worker that is silent for 100 s is a 503",
  async ({ task }) => {
    const { status, waitedMs } = await patient;
    expect(status).toBe(503);
    expect(waitedMs).toBeGreaterThan(HEADERS_TIMEOUT_MS - 2_000);
    task.meta.faults = [{ fault: "worker: silent for 100 s", refused: `503 after ${Math.round(waitedMs / 1_000)} s` }];
  },
  PATIENCE_MS,
);

/** A long answer whose beginning is there. @returns what takes the rest of it */
async function startDownload(): Promise<() => Promise<number>> {
  const { port, caPem } = stand.edge.output;
  const target = { port, host: "127.0.0.1", path: LARGE_PATH, headers: { host: HOSTNAME } };
  const request = get({ ...target, servername: HOSTNAME, ca: caPem, agent: false });
  const [response] = await once(request, "response");
  return async () => {
    let bytes = 0;
    for await (const chunk of response) bytes += chunk.length;
    return bytes;
  };
}

async function inMode(test: Parameters<typeof observe>[1], mode: ProxyMode, fault: string, refused: string) {
  const observation = await observe(stand, test, fault);
  let hanging = 0;
  const seen = await observation
    .during(async () => {
      stand.proxy.switch(mode);
      await delay(FAULT_MS);
      hanging = stand.proxy.open();
      stand.proxy.switch("pass");
    })
    .finally(() => stand.proxy.switch("pass"));
  // A request that nobody waits for any more holds none.
  await waitFor(
    async () => stand.proxy.open() <= CONNECTIONS_MAX || undefined,
    () => `${stand.proxy.open()} connections to the worker`,
  );
  await observation.recover(`${refused}; ${hanging} connections to the worker at its end`);
  return seen;
}

function expectOnly(failed: Record<string, number>, allowed: string[]): void {
  expect(Object.keys(failed).filter((what) => !allowed.includes(what))).toEqual([]);
}
