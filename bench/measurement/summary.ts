/** All samples of a contender → the line that the table shows. */
import type { Sample } from "./sample.ts";
import { median } from "./statistics.ts";

export interface Summary {
  perSecond: { median: number; min: number; max: number };
  /**
   * Median of the ratios to the baseline of the same round: what slows a whole round down does not count. 1 for the
   * baseline itself.
   */
  ratio: number;
  latencyMs?: { p50: number; p99: number };
  /** Median of {@link Sample.othersProcessors} */
  othersProcessors?: number;
  /** Microseconds an operation, by process */
  cpuMicroseconds: Record<string, number>;
}

/** @param baseline samples of the contender that ratios are given to, of the same rounds */
export function summarize(samples: readonly Sample[], baseline: readonly Sample[]): Summary {
  const rates = samples.map(perSecond);
  const ratios = rates.map((rate, round) => rate / perSecond(baseline[round] as Sample));
  const latencies = samples.flatMap((sample) => sample.latencyMs ?? []);
  const others = samples.flatMap((sample) => sample.othersProcessors ?? []);
  const processes = new Set(samples.flatMap((sample) => Object.keys(sample.cpuMicroseconds)));
  return {
    perSecond: { median: median(rates), min: Math.min(...rates), max: Math.max(...rates) },
    ratio: median(ratios),
    cpuMicroseconds: Object.fromEntries(
      [...processes].map((name) => [name, median(samples.flatMap((sample) => sample.cpuMicroseconds[name] ?? []))]),
    ),
    ...(others.length === 0 ? {} : { othersProcessors: median(others) }),
    ...(latencies.length === 0
      ? {}
      : {
          latencyMs: {
            p50: median(latencies.map((latency) => latency.p50)),
            p99: median(latencies.map((latency) => latency.p99)),
          },
        }),
  };
}

function perSecond({ operations, seconds }: Sample): number {
  return operations / seconds;
}
