/** Runs until SIGINT or SIGTERM, then ends in order. */

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface Lifetime {
  /** Rejects at once when a signal came, so that a start under way is given up. */
  readonly ended: Promise<NodeJS.Signals>;
  isEnding(): boolean;
}

/** One Ctrl-C reaches a command that npm runs twice: by the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 2_000;

/** A second signal ends the process at once, unless it comes so soon that it is the same one. */
export function createLifetime(): Lifetime {
  let received: { signal: NodeJS.Signals; atMs: number } | undefined;
  const ended = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (received === undefined) {
          received = { signal, atMs: performance.now() };
          resolve(signal);
        } else if (performance.now() - received.atMs > SAME_SIGNAL_MS) {
          process.exit(1);
        }
      });
    }
  });
  return { ended, isEnding: () => received !== undefined };
}
