/** What an edge and a gateway worker cost as CA certificates, domains and routes grow from 1 to 10,000. */
import { createSecureContext } from "node:tls";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { createManyCaCertificates } from "../processes/many-certificates.ts";
import { shakeHandsWithEach } from "../processes/shake-hands.ts";
import { withChildren } from "./children.ts";
import { checkVerified } from "./inbound/check-verified.ts";
import { ACCOUNT, type ClientSide, createClientSide, HOSTNAME, PROJECT } from "./inbound/client-side.ts";
import { type Gateway, startGateway } from "./inbound/gateway-worker.ts";
import { type Ingress, type IngressParty, startEdge, startWorker } from "./inbound/ingresses.ts";
import { describeScenario, measureHandshakes, measureRequests, type Scenario, watch } from "./inbound/load.ts";
import {
  alternate,
  type Contender,
  describeRun,
  HANDSHAKE_SHARE_OF_TIME,
  type Suite,
  type SuiteOptions,
  type SuiteResult,
} from "./suite.ts";

const SCENARIO: Scenario = { protocol: "HTTP/1.1", answer: "small", connections: 32 };
const SIZES = [100, 10_000];
/** Of each account, besides the one of the client */
const EACH = 10;
/** That clients ask for */
const DOMAINS_IN_USE = 1_000;
const SHARE_OF_TIME = 0.5;
/** Each edge and worker has few measurements of its own to get warm in. */
const WARM_UP_ROUNDS = 2;

interface Grown {
  name: string;
  edge: Ingress;
  /** That handshakes take in turn */
  hostnames: string[];
}

export const growth: Suite = {
  description: "requests, handshakes and CPU as CA certificates, domains and routes grow from 1 to 10,000",
  run: (options) =>
    withChildren(async (children): Promise<SuiteResult> => {
      const clientSide = await createClientSide();
      const worker = await startWorker(children);
      const party = { worker, clientSide, options, children };
      const edges = await startEdges(party);
      const gateways: [number, Gateway][] = [];
      for (const routes of [1, ...SIZES]) gateways.push([routes, await startGateway(routes, party)]);
      options.note("edges with up to 10,000 CA certificates and domains, workers with up to 10,000 routes are there");
      const shorter = { ...options, rounds: Math.ceil(options.rounds * SHARE_OF_TIME), warmUpRounds: WARM_UP_ROUNDS };
      const contenders = [...contendEdges(edges, party), ...contendGateways(gateways, options)];
      return { conditions: describeConditions(options), measured: await alternate(contenders, shorter) };
    }),
};

async function startEdges(party: IngressParty): Promise<Grown[]> {
  const { clientSide } = party;
  const bundles: [string, TrustBundle][] = [["1 CA certificate, 1 domain", clientSide.bundle]];
  for (const size of SIZES) bundles.push([`${print(size)} CA certificates`, await addCaCertificates(clientSide, size)]);
  for (const size of SIZES) bundles.push([`${print(size)} domains`, addDomains(clientSide, size)]);
  const grown: Grown[] = [];
  for (const [name, bundle] of bundles) {
    const edge = await startEdge(party, bundle);
    await checkVerified(edge, clientSide);
    const domains = bundle.accounts[0]?.domains.slice(0, DOMAINS_IN_USE) ?? [];
    const hostnames = domains.map(({ hostname }) => hostname);
    // What a domain's first handshake brings (its server certificate is made) is not what is measured.
    await shakeHandsWithEach(hostnames, { port: edge.port, context: createSecureContext(edge.identity) });
    grown.push({ name, edge, hostnames });
  }
  return grown;
}

/** Ten of them in the client's account, whose names it is told in each handshake; the others in accounts beside it. */
async function addCaCertificates({ bundle }: ClientSide, count: number): Promise<TrustBundle> {
  const [own] = bundle.accounts;
  if (own === undefined) throw new TypeError("a client side without account");
  const certificates = (await createManyCaCertificates(count - 1)).map((certificate, index) => ({
    id: `mtlsca_${index}`,
    name: `ca_${index}`,
    certificate,
  }));
  const others = Array.from({ length: Math.ceil(count / EACH) - 1 }, (_, index) => ({
    account: `account-${index}`,
    version: "1",
    caCertificates: certificates.slice((index + 1) * EACH, (index + 2) * EACH),
    domains: [{ hostname: `account-${index}.example`, project: PROJECT }],
  }));
  const client = { ...own, caCertificates: [...own.caCertificates, ...certificates.slice(0, EACH)] };
  return { ...bundle, accounts: [client, ...others] };
}

/** All of them the client's account's. */
function addDomains({ bundle, ca }: ClientSide, count: number): TrustBundle {
  const names = Array.from({ length: count - 1 }, (_, index) => `d${index}.example`);
  const account = {
    account: ACCOUNT,
    version: "1",
    caCertificates: [{ id: "mtlsca_bench", name: "bench_ca", certificate: ca }],
    domains: [HOSTNAME, ...names].map((hostname) => ({ hostname, project: PROJECT })),
  };
  return { ...bundle, accounts: [account] };
}

function contendEdges(edges: readonly Grown[], { worker, options }: IngressParty): Contender[] {
  const measureMs = options.measureMs * SHARE_OF_TIME;
  const requests = edges.map(({ name, edge }) => ({
    operation: `the edge: ${describeScenario(SCENARIO)}`,
    name,
    measure: () => measureRequests(edge, SCENARIO, watch(edge, worker), measureMs),
  }));
  const handshakes = edges.map(({ name, edge, hostnames }) => ({
    operation: "the edge: full handshakes, with each of its domains in turn",
    name,
    measure: () =>
      measureHandshakes(edge, { front: edge.pids }, options.measureMs * HANDSHAKE_SHARE_OF_TIME, hostnames),
  }));
  return [...requests, ...handshakes];
}

function contendGateways(gateways: readonly [number, Gateway][], { measureMs }: SuiteOptions): Contender[] {
  return gateways.map(([routes, { edge, worker, path }]) => ({
    operation: `the edge and the gateway worker: ${describeScenario(SCENARIO)}, to the last route`,
    name: routes === 1 ? "1 route" : `${print(routes)} routes`,
    measure: () => measureRequests(edge, SCENARIO, watch(edge, worker), measureMs * SHARE_OF_TIME, path),
  }));
}

function print(count: number): string {
  return count.toLocaleString("en");
}

function describeConditions(options: SuiteOptions): string[] {
  return [
    ...describeRun({ ...options, rounds: Math.ceil(options.rounds * SHARE_OF_TIME) }, SHARE_OF_TIME),
    `CA certificates: ${EACH + 1} in the account whose clients are measured, the others in accounts of ${EACH} beside it; P-256`,
    `domains: one account has all, clients use ${print(DOMAINS_IN_USE)} of them, and each was used once before`,
    "routes: a generated routes.oas.json, built as `sallyport build` does; policy mtls-auth-inbound, assertion verified",
  ];
}
