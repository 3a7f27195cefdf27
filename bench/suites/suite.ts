/** What a suite is: something that starts its processes, measures contenders in rounds, and leaves nothing behind. */
import type { LogFormat } from "../../edge-shim/log-format.ts";
import type { Sample } from "../measurement/sample.ts";

export interface SuiteOptions {
  rounds: number;
  /** Of one measurement, without its warm-up */
  measureMs: number;
  logFormat: LogFormat;
  /** Where Node writes a CPU profile of the edge when the suite ends; it slows the edge down */
  cpuProfileDir?: string;
  /** Says how far it is */
  note(message: string): void;
}

export interface Suite {
  description: string;
  run(options: SuiteOptions): Promise<SuiteResult>;
}

export interface SuiteResult {
  /** What a reader of the table must know */
  conditions: string[];
  measured: MeasuredContender[];
  /** What is no rate */
  figures?: Figure[];
}

/** One quantity, measured several times or once. */
export interface Figure {
  name: string;
  unit: "ms" | "s" | "MiB" | "KiB" | "contexts" | "×";
  values: number[];
  /** What the median is to reach, the limit included */
  target?: { atMost: number } | { atLeast: number };
}

export interface Contender {
  /** What is counted, and under which load. The first contender of each is what the others are compared with. */
  operation: string;
  name: string;
  measure(): Promise<Sample>;
}

export interface MeasuredContender {
  operation: string;
  name: string;
  /** One a round */
  samples: Sample[];
}

/**
 * Measures each contender once a round. Every second round goes backwards, so that a machine that slows down, or
 * whatever else runs on it, meets all of them alike. Rounds before the first warm everybody up and do not count; by default one.
 */
export async function alternate(
  contenders: readonly Contender[],
  { rounds, note, warmUpRounds = 1 }: Pick<SuiteOptions, "rounds" | "note"> & { warmUpRounds?: number },
): Promise<MeasuredContender[]> {
  const measured = contenders.map(({ operation, name }) => ({ operation, name, samples: [] as Sample[] }));
  for (let round = 1 - warmUpRounds; round <= rounds; round++) {
    const order = [...contenders.keys()];
    if (Math.abs(round) % 2 === 1) order.reverse();
    for (const index of order) {
      const contender = contenders[index] as Contender;
      const sample = await contender.measure();
      if (round > 0) measured[index]?.samples.push(sample);
      const rate = Math.round(sample.operations / sample.seconds).toLocaleString("en");
      const title = round < 1 ? "warm-up" : `round ${round} of ${rounds}`;
      note(`${title}: ${contender.name}: ${rate} a second (${contender.operation})`);
    }
  }
  return measured;
}

/** Handshakes need no more of a measurement's time than this: they are slow, and each leaves a port in TIME_WAIT. */
export const HANDSHAKE_SHARE_OF_TIME = 0.5;

/** One a round */
export function ratesOf(contender: MeasuredContender | undefined): number[] {
  return contender?.samples.map(({ operations, seconds }) => operations / seconds) ?? [];
}

/** The ratio of each round, so that what slows a whole round down does not count. Empty without `those`. */
export function compareRounds(these: readonly number[] = [], those: readonly number[] = []): number[] {
  return these.flatMap((value, round) => {
    const other = those[round];
    return other === undefined ? [] : value / other;
  });
}

/** What every table of rates says about itself. */
export function describeRun(options: SuiteOptions, shareOfTime = 1): string[] {
  const { rounds, measureMs, logFormat, cpuProfileDir } = options;
  return [
    `${rounds} ${rounds === 1 ? "round" : "rounds"} of ${(measureMs * shareOfTime) / 1_000} s each, the contenders by turns, all on this machine over loopback`,
    `the edge's request log is on (${logFormat}, as in production) and goes to the null device`,
    ...(cpuProfileDir === undefined ? [] : ["the edge ran under Node's profiler, which makes it slower"]),
  ];
}
