/**
 * The child's side of every process that a benchmark starts: its input comes over the channel, one answer goes back,
 * and one more for each time that the parent asks. When the channel closes (the parent wanted it, ended, or was killed)
 * the child ends with all that it started.
 */

/** What a child sends, and only when it was asked. */
export type ChildAnswer<Output> = { output: Output } | { failure: string };

export interface Running<Output> {
  output: Output;
  /** What the parent is told when it asks later on; what this throws becomes the parent's error */
  report?: () => object;
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
  function answerWith({ report }: Running<Output>): void {
    try {
      answer({ output: report?.() as Output });
    } catch (error) {
      fail(error);
    }
  }

  process.once("message", (input) => {
    run(input as Input).then((running) => {
      close = running.close;
      process.on("message", () => answerWith(running));
      answer({ output: running.output });
    }, fail);
  });
  process.once("disconnect", async () => {
    await close?.().catch(() => undefined);
    process.exit();
  });
}
