/** What `sallyport serve` does: the stack with the worker as it would be deployed, under Miniflare, for throughput. */
import { runStack, type StackFlags } from "./run-stack.ts";
import { createServedWorker } from "./served-worker.ts";

export function runServe(flags: StackFlags): Promise<void> {
  return runStack(flags, { createWorker: createServedWorker, hasLocalOrigins: false });
}
