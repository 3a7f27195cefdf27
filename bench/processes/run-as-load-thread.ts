/** One thread of a load: load-threads.ts starts it. */
import { parentPort, workerData } from "node:worker_threads";
import type { ThreadAnswer, ThreadData, ThreadOrder } from "./load-threads.ts";

/** What a connection does again and again: one request, one handshake. What it throws ends the whole measurement. */
export type Task = () => Promise<void>;

/** @param prepare is called once; what it returns is called for each connection */
export function runAsLoadThread<Input>(prepare: (input: Input) => () => Task): void {
  const { input, connections, counter } = workerData as ThreadData<Input>;
  const counts = new Uint32Array(counter);
  let milliseconds: number[] = [];
  let isRunning = true;
  parentPort?.on("message", (order: ThreadOrder) => {
    if (order === "end") isRunning = false;
    else milliseconds = [];
  });

  async function repeat(task: Task): Promise<void> {
    while (isRunning) {
      const startedMs = performance.now();
      await task();
      Atomics.add(counts, 0, 1);
      milliseconds.push(performance.now() - startedMs);
    }
  }

  const answer = (message: ThreadAnswer) => {
    parentPort?.postMessage(message);
    parentPort?.close();
  };
  const openConnection = prepare(input);
  Promise.all(Array.from({ length: connections }, () => repeat(openConnection()))).then(
    () => answer({ milliseconds }),
    (error: unknown) => answer({ failure: String(error) }),
  );
}
