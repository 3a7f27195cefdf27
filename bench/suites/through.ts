/** Both doors at once: client mTLS → edge → worker → egress → mTLS origin, and nginx in both places. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { findFreePort } from "../../cli/stack/ports.ts";
import { createEgressTokens, EGRESS_SECRET_MIN_BYTES } from "../../edge-shim/egress/token.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import type { DirectWorker } from "../processes/direct-worker.ts";
import type { NginxEgressOutput } from "../processes/nginx-egress-process.ts";
import type { OriginOutput } from "../processes/origin-process.ts";
import { CLIENT_PATH } from "../processes/worker-answers.ts";
import { type Children, withChildren } from "./children.ts";
import { ask } from "./inbound/check-verified.ts";
import { type ClientSide, createClientSide } from "./inbound/client-side.ts";
import { type Ingress, type IngressKey, type IngressParty, startEdge, startIngresses } from "./inbound/ingresses.ts";
import { describeScenario, measureRequests, type Scenario } from "./inbound/load.ts";
import {
  ACCOUNT,
  CERTIFICATE,
  createBundle,
  createPki,
  PROJECT,
  startNginxEgress,
  startOrigin,
  startOutboundWorker,
} from "./outbound/stand.ts";
import {
  alternate,
  compareRounds,
  describeRun,
  type Figure,
  type MeasuredContender,
  ratesOf,
  type Suite,
  type SuiteOptions,
  type SuiteResult,
} from "./suite.ts";

const SCENARIO: Scenario = { protocol: "HTTP/1.1", answer: "small", connections: 32 };

/** Who is in front, and the worker's way out. */
const WAYS = {
  nginx: { name: "nginx in both places", out: "nginx" },
  edge: { name: "the edge, in and out in one process", out: "egress" },
  none: { name: "none: plain HTTP all the way", out: "plain" },
} satisfies Partial<Record<IngressKey, { name: string; out: string }>>;
type Way = keyof typeof WAYS;

interface Stand {
  ingresses: (Ingress & { key: Way })[];
  worker: DirectWorker;
  origin: OriginOutput;
  nginxEgress: NginxEgressOutput | undefined;
}

export const through: Suite = {
  description: "both at once: client mTLS, edge, worker, egress, mTLS origin; and nginx in both places",
  run: (options) =>
    withChildren(async (children): Promise<SuiteResult> => {
      const clientSide = await createClientSide();
      const stand = await createStand(clientSide, options, children);
      for (const ingress of stand.ingresses) await checkBothSides(ingress, clientSide);
      const { worker, origin, nginxEgress } = stand;
      const contenders = stand.ingresses.map((ingress) => {
        const pids = [...ingress.pids, ...(ingress.key === "nginx" ? (nginxEgress?.pids ?? []) : [])];
        const watched = {
          ...(pids.length > 0 && { proxies: pids }),
          ...(worker.workerdPid !== undefined && { worker: worker.workerdPid }),
          origin: origin.pids,
        };
        const path = `/${WAYS[ingress.key].out}/`;
        return {
          operation: describeScenario(SCENARIO),
          name: WAYS[ingress.key].name,
          measure: () => measureRequests(ingress, SCENARIO, watched, options.measureMs, path),
        };
      });
      const measured = await alternate(contenders, options);
      return { conditions: describeConditions(options, origin), measured, figures: compareWithNginx(measured) };
    }),
};

async function createStand(clientSide: ClientSide, options: SuiteOptions, children: Children): Promise<Stand> {
  const { server, issueClient } = await createPki();
  const origin = await startOrigin(children, server);
  const nginxEgress = await startNginxEgress(children, await issueClient("nginx"), origin.port);
  // Edge and worker each have to know where the other one is.
  const workerPort = await findFreePort();
  const socketPath = join(children.scratch.create("egress"), "egress");
  const secret = randomBytes(EGRESS_SECRET_MIN_BYTES);
  const project = `${ACCOUNT}/${PROJECT}`;
  const worker = await startOutboundWorker(children, origin, nginxEgress, {
    port: workerPort,
    egress: {
      socketPath,
      token: createEgressTokens(secret).issue(project),
      project,
      certificate: CERTIFICATE,
    },
    workerdTls: await issueClient("workerd"),
  });
  const party: IngressParty = { worker, clientSide, options, children };
  const bundle = addCertificates(clientSide.bundle, createBundle(await issueClient("egress")));
  const edge = await startEdge(party, bundle, {
    egress: { socketPath, secretBase64: secret.toString("base64") },
  });
  const others = await startIngresses(["nginx", "none"], party);
  const ingresses = [...others, edge].filter((ingress): ingress is Ingress & { key: Way } => ingress.key in WAYS);
  ingresses.sort((one, other) => Object.keys(WAYS).indexOf(one.key) - Object.keys(WAYS).indexOf(other.key));
  return { ingresses, worker, origin, nginxEgress };
}

/** The same account in both. */
function addCertificates(inbound: TrustBundle, outbound: TrustBundle): TrustBundle {
  const accounts = inbound.accounts.map((account) => {
    const { mtlsCertificates, originCaCertificates } = outbound.accounts[0] ?? {};
    return {
      ...account,
      ...(mtlsCertificates && { mtlsCertificates }),
      ...(originCaCertificates && { originCaCertificates }),
    };
  });
  return { ...inbound, accounts };
}

/** @throws Error when the origin did not see the certificate of the way out */
async function checkBothSides(ingress: Ingress & { key: Way }, { client }: ClientSide): Promise<void> {
  const { out, name } = WAYS[ingress.key];
  const { status, body } = await ask(ingress, `/${out}${CLIENT_PATH}`, client);
  if (ingress.key === "none" ? status === 200 : body === `TLSv1.3 SUCCESS CN=${out}`) return;
  throw new Error(`"${body}" (${status}) is what the origin saw through "${name}"`);
}

function compareWithNginx(measured: readonly MeasuredContender[]): Figure[] {
  const rates = (way: Way) => ratesOf(measured.find(({ name }) => name === WAYS[way].name));
  const values = compareRounds(rates("edge"), rates("nginx"));
  return values.length === 0 ? [] : [{ name: "the edge, requests/s ÷ nginx's", unit: "×", values }];
}

function describeConditions(options: SuiteOptions, origin: OriginOutput): string[] {
  return [
    ...describeRun(options),
    `origin: ${origin.description}, one for all, TLS 1.3, the client certificate checked for each`,
    "proxies µs: of both places together; the edge has one process for both, nginx two with a worker process for each processor",
    "the worker answers with the origin's answer, for which it asks once a request; it looks at no assertion",
  ];
}
