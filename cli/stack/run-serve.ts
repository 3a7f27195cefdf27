/** What `sallyport serve` does: the stack with the worker as it would be deployed, under Miniflare, for throughput. */
import { runStack, type StackFlags, type StackWorkerOptions } from "./run-stack.ts";
import { createServedWorker } from "./served-worker.ts";

export function runServe(flags: StackFlags): Promise<void> {
  let isAskedEarly = false;
  // From the start, since without a listener the signal ends the process. Stays: there is one while the stack ends, too.
  process.on("SIGHUP", () => {
    isAskedEarly = true;
  });
  const createWorker = (options: StackWorkerOptions) => createServedWorker(options, () => isAskedEarly);
  return runStack(flags, { createWorker, hasLocalOrigins: false, bindsEgress: true });
}
