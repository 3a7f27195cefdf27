/** Clients with certificates → whoever stands in front → a trivial worker: the edge and others in its place. */
import { withChildren } from "./children.ts";
import { checkVerified } from "./inbound/check-verified.ts";
import { createClientSide } from "./inbound/client-side.ts";
import { compareInbound } from "./inbound/figures.ts";
import {
  describeInstalled,
  INGRESS_NAMES,
  type Ingress,
  type IngressKey,
  startIngresses,
  startWorker,
} from "./inbound/ingresses.ts";
import { describeScenario, measureRequests, type Scenario, watch } from "./inbound/load.ts";
import { alternate, type Contender, describeRun, type Suite, type SuiteOptions, type SuiteResult } from "./suite.ts";

const EVERYBODY = Object.keys(INGRESS_NAMES) as IngressKey[];
const SERVERS: IngressKey[] = ["nginx", "edge", "haproxy"];

/** What the targets are about: all contenders, all rounds. */
export const MAIN: Scenario = { protocol: "HTTP/1.1", answer: "small", connections: 32 };
/** Of a request alone: what is in the way adds to it. */
export const UNLOADED: Scenario = { ...MAIN, connections: 1 };

/** Everything else: shorter, and only servers that speak HTTP/2 too. */
const OTHERS = (["HTTP/1.1", "HTTP/2"] as const)
  .flatMap((protocol) => (["small", "large"] as const).map((answer) => ({ protocol, answer })))
  .flatMap((kind): Scenario[] => [1, 32, 256].map((connections) => ({ ...kind, connections })))
  .filter((scenario) => ![MAIN, UNLOADED].map(describeScenario).includes(describeScenario(scenario)));
const OTHERS_SHARE_OF_ROUNDS = 0.5;
const OTHERS_SHARE_OF_TIME = 0.4;

export const inbound: Suite = {
  description: "client mTLS through the edge, and through others in its place",
  run: (options) =>
    withChildren(async (children): Promise<SuiteResult> => {
      const clientSide = await createClientSide();
      const worker = await startWorker(children);
      const ingresses = await startIngresses(EVERYBODY, { worker, clientSide, options, children });
      for (const ingress of ingresses) await checkVerified(ingress, clientSide);
      const servers = ingresses.filter(({ key }) => SERVERS.includes(key));
      const contend = (scenario: Scenario, among: readonly Ingress[], measureMs: number): Contender[] =>
        among.map((ingress) => ({
          operation: describeScenario(scenario),
          name: ingress.name,
          measure: () => measureRequests(ingress, scenario, watch(ingress, worker), measureMs),
        }));
      const shorter = { ...options, rounds: Math.ceil(options.rounds * OTHERS_SHARE_OF_ROUNDS), warmUpRounds: 0 };
      const measureMs = options.measureMs * OTHERS_SHARE_OF_TIME;
      const main = await alternate(contend(MAIN, ingresses, options.measureMs), options);
      const unloaded = await alternate(contend(UNLOADED, ingresses, measureMs), shorter);
      const others = OTHERS.flatMap((scenario) => contend(scenario, servers, measureMs));
      const measured = [...main, ...unloaded, ...(await alternate(others, shorter))];
      return { conditions: describeConditions(options), measured, figures: compareInbound(main, unloaded) };
    }),
};

function describeConditions(options: SuiteOptions): string[] {
  const rounds = Math.ceil(options.rounds * OTHERS_SHARE_OF_ROUNDS);
  return [
    ...describeRun(options),
    `all but the first block: ${rounds} rounds of ${(options.measureMs * OTHERS_SHARE_OF_TIME) / 1_000} s`,
    ...describeInstalled(EVERYBODY),
    "nginx: a worker process for each processor; HAProxy: a thread for each; all others: one process",
    "all: TLS 1.2 and 1.3, client certificate required (the edge: asked for), kept-alive connections to the worker, no session resumption",
    "checked: each verified the client certificate, and believed neither a stranger nor a client without one",
    "wrangler dev cannot ask for client certificates, and runs the worker in its own processes, which are in front µs",
  ];
}
