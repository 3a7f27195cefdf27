/** What `sallyport dev` does: the stack with a worker under `wrangler dev`, which sees each edit of the project. */
import { createWranglerDev } from "../../edge-shim/workers/wrangler-dev.ts";
import { findFreePort } from "./ports.ts";
import { runStack, type StackFlags, type StackWorker, type StackWorkerOptions } from "./run-stack.ts";

export function runDev(flags: StackFlags): Promise<void> {
  return runStack(flags, { createWorker: createDevWorker, hasLocalOrigins: true, bindsEgress: false });
}

async function createDevWorker({ state, egressSocketPath: _, ...options }: StackWorkerOptions): Promise<StackWorker> {
  const port = await findFreePort();
  const child = createWranglerDev({ ...options, port, persistDir: state.persistPath });
  return { upstream: { url: `http://127.0.0.1:${port}` }, start: () => child.start(), stop: () => child.stop() };
}
