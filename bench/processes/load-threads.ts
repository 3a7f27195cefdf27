/**
 * Load on as many threads as the machine has processors: one thread of Node would be the slowest part of some
 * measurements, and what it measures would be itself. This is the process' side; run-as-load-thread.ts is the threads'.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Sample } from "../measurement/sample.ts";
import { percentile } from "../measurement/statistics.ts";
import { measureWindow, type Window } from "../measurement/window.ts";

/** What a thread is started with. */
export interface ThreadData<Input> {
  input: Input;
  /** Of the connections, so many are this thread's */
  connections: number;
  /** Unsigned 32 bits: what is done, by all threads */
  counter: SharedArrayBuffer;
}

/** What a thread is told: that the warm-up is over, that the time is over. */
export type ThreadOrder = "measure" | "end";

/** What it says when it is over. */
export type ThreadAnswer = { milliseconds: number[] } | { failure: string };

/**
 * @param module calls `runAsLoadThread` with the same input
 * @throws Error with the first failure of any thread
 */
export async function measureWithThreads<Input extends Window>(
  module: URL,
  input: Input,
  connections: number,
): Promise<Sample> {
  const counter = new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT);
  const counts = new Uint32Array(counter);
  const shares = shareOut(connections);
  const threads = shares.map((share) => {
    const workerData: ThreadData<Input> = { input, connections: share, counter };
    return new Worker(module, { workerData });
  });
  const answers = Promise.all(threads.map(receiveAnswer));
  const tell = (order: ThreadOrder) => {
    for (const thread of threads) thread.postMessage(order);
  };
  // A failure ends the measurement as it comes.
  const measured = await Promise.race([
    measureWindow(
      input,
      () => Atomics.load(counts, 0),
      () => tell("measure"),
    ),
    answers.then(() => Promise.reject(new Error("the load was over before the time was"))),
  ]);
  tell("end");
  const latencies = (await answers).flat();
  if (latencies.length === 0) return measured;
  return { ...measured, latencyMs: { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) } };
}

/** As evenly as it goes, on one thread a processor. */
function shareOut(connections: number): number[] {
  const threads = Math.min(connections, availableParallelism());
  return Array.from({ length: threads }, (_, index) => Math.floor((connections + index) / threads));
}

function receiveAnswer(thread: Worker): Promise<number[]> {
  return new Promise((resolve, reject) => {
    thread.once("error", reject);
    thread.once("message", (answer: ThreadAnswer) => {
      if ("failure" in answer) reject(new Error(answer.failure));
      else resolve(answer.milliseconds);
    });
  });
}
