/** Everybody who can stand in front of the worker: how each is started, and what clients have to know of it. */
import type { TrustBundle } from "../../../src/contract/trust-bundle.ts";
import type { ClientIdentity } from "../../processes/client-identity.ts";
import type { EdgeInput, EdgeOutput } from "../../processes/edge-process.ts";
import { findHaproxyVersion } from "../../processes/haproxy.ts";
import type { IngressInput, IngressOutput } from "../../processes/ingress.ts";
import { findNginxVersion } from "../../processes/nginx.ts";
import { startChild } from "../../processes/start-child.ts";
import type { TrivialWorker } from "../../processes/worker-process.ts";
import type { Children } from "../children.ts";
import type { SuiteOptions } from "../suite.ts";
import { type ClientSide, HOSTNAME, type KeyPair } from "./client-side.ts";

const WORKER = new URL("../../processes/worker-process.ts", import.meta.url);
const EDGE = new URL("../../processes/edge-process.ts", import.meta.url);
const PROXIES = {
  nginx: new URL("../../processes/nginx-ingress-process.ts", import.meta.url),
  haproxy: new URL("../../processes/haproxy-ingress-process.ts", import.meta.url),
  httpProxy3: new URL("../../processes/http-proxy-3-process.ts", import.meta.url),
  fastify: new URL("../../processes/fastify-proxy-process.ts", import.meta.url),
  wrangler: new URL("../../processes/wrangler-dev-process.ts", import.meta.url),
};

/** In the order of the table, which gives ratios to the first. */
export const INGRESS_NAMES = {
  nginx: "nginx",
  edge: "the edge",
  haproxy: "HAProxy",
  httpProxy3: "http-proxy-3 on node:https",
  fastify: "@fastify/http-proxy",
  wrangler: "wrangler dev, HTTPS, no client certificates",
  none: "none: plain HTTP to the worker",
};
export type IngressKey = keyof typeof INGRESS_NAMES;

/** What must be found on the machine, and how Debian calls it. */
const INSTALLED: Partial<Record<IngressKey, { find: () => string | undefined; debian: string }>> = {
  nginx: { find: findNginxVersion, debian: "nginx-light" },
  haproxy: { find: findHaproxyVersion, debian: "haproxy" },
};

export interface Ingress {
  key: IngressKey;
  name: string;
  url: string;
  port: number;
  /** Its processes, without the worker's; empty for none */
  pids: number[];
  /** Of a client with the certificate; undefined without TLS */
  identity: ClientIdentity | undefined;
  /** PEM of the CA that its server certificate comes from */
  serverCa: string;
}

export interface IngressParty {
  worker: TrivialWorker;
  clientSide: ClientSide;
  options: SuiteOptions;
  children: Children;
}

export async function startWorker({ keep }: Children): Promise<TrivialWorker> {
  return keep(await startChild<object, TrivialWorker>(WORKER, {})).output;
}

/** Starts those of `keys` that are installed; the others are named in the notes of the run. */
export async function startIngresses(keys: readonly IngressKey[], party: IngressParty): Promise<Ingress[]> {
  const started: Ingress[] = [];
  for (const key of keys) {
    const { find, debian } = INSTALLED[key] ?? {};
    if (find?.() === undefined && find !== undefined) {
      party.options.note(`${INGRESS_NAMES[key]} is not installed: measured without it (apt-get install ${debian})`);
    } else started.push(await startIngress(key, party));
  }
  return started;
}

/** What the conditions of a table say about servers that are not of this repository. */
export function describeInstalled(keys: readonly IngressKey[]): string[] {
  return keys.flatMap((key) => {
    const installed = INSTALLED[key];
    if (installed === undefined) return [];
    const version = installed.find();
    return [version ?? `without ${INGRESS_NAMES[key]}, which is not installed (apt-get install ${installed.debian})`];
  });
}

async function startIngress(key: IngressKey, party: IngressParty): Promise<Ingress> {
  const { worker, clientSide, children } = party;
  const name = INGRESS_NAMES[key];
  const serverCa = clientSide.ca;
  const identity = identify(clientSide.client, serverCa);
  switch (key) {
    case "none": {
      const port = Number(new URL(worker.url).port);
      return { key, name, url: worker.url, port, pids: [], identity: undefined, serverCa };
    }
    case "edge":
      return startEdge(party, clientSide.bundle);
    default: {
      const directory = children.scratch.create(key);
      const input: IngressInput = { upstreamUrl: worker.url, tls: clientSide.server, directory };
      const child = await startChild<IngressInput, IngressOutput>(PROXIES[key], input, { stderr: "ignore" });
      const { port, pids } = children.keep(child).output;
      const url = `https://127.0.0.1:${port}`;
      return { key, name, url, port, pids, identity, serverCa };
    }
  }
}

/** An edge in front of the party's worker, with the trust of `bundle`. */
export async function startEdge(
  { worker, clientSide, options, children }: IngressParty,
  bundle: TrustBundle,
  rest: Pick<EdgeInput, "signingKey" | "egress"> = {},
): Promise<Ingress> {
  const { logFormat, cpuProfileDir } = options;
  const input = { upstreamUrl: worker.url, trust: { bundle }, hostname: HOSTNAME, logFormat, ...rest };
  const execArgv = cpuProfileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${cpuProfileDir}`];
  const edge = children.keep(await startChild<EdgeInput, EdgeOutput>(EDGE, input, { execArgv, stderr: "ignore" }));
  const { port, caPem } = edge.output;
  const identity = identify(clientSide.client, caPem);
  const url = `https://127.0.0.1:${port}`;
  return { key: "edge", name: INGRESS_NAMES.edge, url, port, pids: [edge.pid], identity, serverCa: caPem };
}

function identify({ cert, key }: KeyPair, ca: string): ClientIdentity {
  return { servername: HOSTNAME, ca, cert, key };
}
