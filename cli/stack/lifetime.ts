/** Runs until SIGINT or SIGTERM, then ends in order. */

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface Lifetime {
  /** Rejects at once when a signal came, so that a start under way is given up. */
  readonly ended: Promise<NodeJS.Signals>;
  isEnding(): boolean;
}

/** A second signal ends the process at once. */
export function createLifetime(): Lifetime {
  let received: NodeJS.Signals | undefined;
  const ended = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (received !== undefined) process.exit(1);
        received = signal;
        resolve(signal);
      });
    }
  });
  return { ended, isEnding: () => received !== undefined };
}
