/** What routing, a policy and the check of the edge's assertion cost: the gateway worker beside the trivial one. */
import { withChildren } from "./children.ts";
import { checkVerified } from "./inbound/check-verified.ts";
import { createClientSide } from "./inbound/client-side.ts";
import { startGateway } from "./inbound/gateway-worker.ts";
import { startEdge, startWorker } from "./inbound/ingresses.ts";
import { describeScenario, measureRequests, type Scenario, watch } from "./inbound/load.ts";
import {
  alternate,
  compareRounds,
  describeRun,
  type Figure,
  type MeasuredContender,
  type Suite,
  type SuiteOptions,
  type SuiteResult,
} from "./suite.ts";

const SCENARIO: Scenario = { protocol: "HTTP/1.1", answer: "small", connections: 32 };
const ROUTES = 10;
/** A quarter on top */
const CPU_OF_TRIVIAL = { atMost: 1.25 };

export const gateway: Suite = {
  description: "the gateway worker behind the edge, beside the trivial worker",
  run: (options) =>
    withChildren(async (children): Promise<SuiteResult> => {
      const clientSide = await createClientSide();
      const party = { clientSide, options, children };
      const trivial = await startWorker(children);
      const edge = await startEdge({ ...party, worker: trivial }, clientSide.bundle);
      await checkVerified(edge, clientSide);
      const real = await startGateway(ROUTES, party);
      const contenders = [
        { name: "trivial worker", edge, worker: trivial },
        { name: "gateway worker", edge: real.edge, worker: real.worker },
      ].map(({ name, edge, worker }) => ({
        operation: `${describeScenario(SCENARIO)}, through the edge`,
        name,
        measure: () => measureRequests(edge, SCENARIO, watch(edge, worker), options.measureMs, real.path),
      }));
      const measured = await alternate(contenders, options);
      return { conditions: describeConditions(options), measured, figures: compareCpu(measured) };
    }),
};

function describeConditions(options: SuiteOptions): string[] {
  return [
    ...describeRun(options),
    `gateway worker: src/ with ${ROUTES} routes, the last is asked for; policy mtls-auth-inbound, assertion verified, handler answers the same JSON`,
    "checked: it refuses a stranger's certificate and a client without one",
  ];
}

function compareCpu(measured: readonly MeasuredContender[]): Figure[] {
  const [trivial, real] = measured.map(({ samples }) =>
    samples.flatMap(({ cpuMicroseconds }) => cpuMicroseconds.worker ?? []),
  );
  const values = compareRounds(real, trivial);
  if (values.length === 0) return [];
  return [{ name: "gateway worker's CPU for a request ÷ trivial worker's", unit: "×", values, target: CPU_OF_TRIVIAL }];
}
