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
  unit: "ms" | "s" | "MiB" | "contexts" | "×";
  values: number[];
  /** What the median is to reach, the limit included */
  target?: { atMost: number } | { atLeast: number };
}

export interface Contender {
  /** What is counted: `requests`, `handshakes`. The first contender of each is what the others are compared with. */
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
 * whatever else runs on it, meets all of them alike. A round before the first warms everybody up and does not count.
 */
export async function alternate(
  contenders: readonly Contender[],
  { rounds, note }: Pick<SuiteOptions, "rounds" | "note">,
): Promise<MeasuredContender[]> {
  const measured = contenders.map(({ operation, name }) => ({ operation, name, samples: [] as Sample[] }));
  for (let round = 0; round <= rounds; round++) {
    const order = [...contenders.keys()];
    if (round % 2 === 1) order.reverse();
    for (const index of order) {
      const contender = contenders[index] as Contender;
      const sample = await contender.measure();
      if (round > 0) measured[index]?.samples.push(sample);
      const rate = Math.round(sample.operations / sample.seconds).toLocaleString("en");
      const title = round === 0 ? "warm-up" : `round ${round} of ${rounds}`;
      note(`${title}: ${contender.name}: ${rate} ${contender.operation}/s`);
    }
  }
  return measured;
}
