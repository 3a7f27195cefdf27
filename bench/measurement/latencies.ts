/** Every latency of a measurement, kept as it is: autocannon's own histogram counts whole milliseconds. */
import { percentile } from "./statistics.ts";

export interface Latencies {
  add(milliseconds: number): void;
  /** Forgets the warm-up */
  clear(): void;
  summarize(): { p50: number; p99: number };
}

export function createLatencies(): Latencies {
  let all: number[] = [];
  return {
    add: (milliseconds) => all.push(milliseconds),
    clear() {
      all = [];
    },
    summarize: () => ({ p50: percentile(all, 0.5), p99: percentile(all, 0.99) }),
  };
}
