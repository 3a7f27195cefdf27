/**
 * The child's side of every process that a benchmark starts: its input comes over the channel, one answer goes back,
 * and when the channel closes (the parent asked for it, ended, or was killed) the child ends with all that it started.
 */

/** The one message that a child sends. */
export type ChildAnswer<Output> = { output: Output } | { failure: string };

export interface Running<Output> {
  output: Output;
  /** Ends what this child started. Without it there is nothing but the process. */
  close?: () => Promise<void>;
}

export function runAsChild<Input, Output>(run: (input: Input) => Promise<Running<Output>>): void {
  let close: (() => Promise<void>) | undefined;

  function answer(message: ChildAnswer<Output>): void {
    if (process.connected) process.send?.(message);
  }

  function fail(error: unknown): void {
    answer({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }

  process.on("uncaughtException", fail);
  process.once("message", (input) => {
    run(input as Input).then((running) => {
      close = running.close;
      answer({ output: running.output });
    }, fail);
  });
  process.once("disconnect", async () => {
    await close?.().catch(() => undefined);
    process.exit();
  });
}
