/** Trust that changes while traffic flows, and trust of ten thousand CA certificates. */
import { measureOtherLoad } from "../measurement/other-load.ts";
import { printNumber } from "../measurement/print-number.ts";
import type { Suite, SuiteOptions, SuiteResult } from "./suite.ts";
import { measurePropagation } from "./trust/propagation.ts";
import { measureScale } from "./trust/scale.ts";
import { CONNECTIONS, createStand } from "./trust/stand.ts";

export const trust: Suite = { description: "CA certificates that come and go under load, and 10,000 of them", run };

async function run(options: SuiteOptions): Promise<SuiteResult> {
  const before = await measureOtherLoad();
  const stand = await createStand(options);
  try {
    const propagation = await measurePropagation(stand);
    const { figures, measured } = await measureScale(stand);
    await stand.close();
    const others = [before, await measureOtherLoad()];
    return { conditions: describeConditions(options, others), measured, figures: [...propagation, ...figures] };
  } finally {
    await stand.close();
  }
}

function describeConditions(
  { rounds, measureMs, logFormat, cpuProfileDir }: SuiteOptions,
  others: (number | undefined)[],
): string[] {
  const busy = others.map((processors) => printNumber(processors, 2)).join(" and ");
  return [
    `processors that were busy with something else, before and after: ${busy}; near 0 on a quiet machine`,
    "all on this machine over loopback: the embedded control plane, the edge, a worker that answers with the verdict",
    `changes: ${CONNECTIONS} mTLS connections kept open, HTTP/1.1; times begin when whoever made the change has the answer`,
    "10,000 CA certificates, 1,000 accounts, 10,000 domains: put straight into the control plane's D1 before it is started",
    `handshakes: full, ECDSA P-256, ${rounds} rounds of ${measureMs / 2_000} s`,
    `the edge's request log is on (${logFormat}, as in production) and goes to the null device`,
    ...(cpuProfileDir === undefined ? [] : ["the edge ran under Node's profiler, which makes it slower"]),
  ];
}
