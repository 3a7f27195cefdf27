/** Whether the load is what it says: other load generators against the same contenders, in the same table. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ab, h2load, type ToolLoad } from "../processes/load-tools.ts";
import type { TrivialWorker } from "../processes/worker-process.ts";
import { withChildren } from "./children.ts";
import { checkVerified } from "./inbound/check-verified.ts";
import { createClientSide, HOSTNAME } from "./inbound/client-side.ts";
import { type Ingress, type IngressKey, startIngresses, startWorker } from "./inbound/ingresses.ts";
import { describeScenario, measureRequests, type Scenario, watch } from "./inbound/load.ts";
import { alternate, type Contender, describeRun, type Suite, type SuiteOptions, type SuiteResult } from "./suite.ts";
import { measureTool } from "./tool-load.ts";

const TOOLS = { ab, h2load };
const CONTENDERS: IngressKey[] = ["nginx", "edge", "none"];
const HTTP1: Scenario = { protocol: "HTTP/1.1", answer: "small", connections: 32 };
const HTTP2: Scenario = { ...HTTP1, protocol: "HTTP/2" };
const SHARE_OF_TIME = 0.5;

export const crossCheck: Suite = {
  description: "two load generators against the same contender: autocannon, our HTTP/2 client, ab, h2load",
  run: (options) =>
    withChildren(async (children): Promise<SuiteResult> => {
      const clientSide = await createClientSide();
      const worker = await startWorker(children);
      const ingresses = await startIngresses(CONTENDERS, { worker, clientSide, options, children });
      for (const ingress of ingresses) await checkVerified(ingress, clientSide);
      const clientPem = join(children.scratch.create("ab"), "client.pem");
      writeFileSync(clientPem, `${clientSide.client.cert}\n${clientSide.client.key}`, { mode: 0o600 });
      const rounds = Math.ceil(options.rounds * SHARE_OF_TIME);
      const contenders = ingresses.flatMap((ingress) => contend(ingress, worker, clientPem, options));
      const measured = await alternate(contenders, { ...options, rounds, warmUpRounds: 0 });
      return { conditions: describeConditions(options, rounds), measured };
    }),
};

/** The generator that the other suites use is the first of its block. */
function contend(ingress: Ingress, worker: TrivialWorker, clientPem: string, options: SuiteOptions): Contender[] {
  const ours = (name: string, scenario: Scenario): Contender => ({
    operation: `${ingress.name}: ${describeScenario(scenario)}`,
    name,
    measure: () => measureRequests(ingress, scenario, watch(ingress, worker), options.measureMs * SHARE_OF_TIME),
  });
  const theirs = (name: keyof typeof TOOLS, scenario: Scenario, rest: Pick<ToolLoad, "clientPem">): Contender[] => {
    const tool = TOOLS[name];
    if (tool.find() === undefined) return [];
    const operation = `${ingress.name}: ${describeScenario(scenario)}`;
    const load = { url: ingress.url, hostname: HOSTNAME, connections: scenario.connections, ...rest };
    const measureMs = options.measureMs * SHARE_OF_TIME;
    return [{ operation, name, measure: () => measureTool(tool, { ...load, measureMs }) }];
  };
  const http1 = [
    ours("autocannon", HTTP1),
    ...theirs("ab", HTTP1, ingress.identity === undefined ? {} : { clientPem }),
    ...(ingress.identity === undefined ? theirs("h2load", HTTP1, {}) : []),
  ];
  if (ingress.key !== "edge") return http1;
  return [...http1, ours("our HTTP/2 client", HTTP2), ...theirs("h2load", HTTP2, {})];
}

function describeConditions(options: SuiteOptions, rounds: number): string[] {
  const tools = Object.entries(TOOLS).map(
    ([name, { find, debian }]) => find() ?? `without ${name}, which is not installed (apt-get install ${debian})`,
  );
  return [
    ...describeRun({ ...options, rounds }, SHARE_OF_TIME),
    ...tools,
    "ab speaks HTTP/1.0 with keep-alive; h2load presents no client certificate, which the edge does not refuse in the handshake",
    "ab and h2load have no warm-up: their handshakes are in the time",
  ];
}
