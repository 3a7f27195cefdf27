/** What the suite stands on: certificates, the origin, egress and nginx before it, and the worker that asks all of them. */
import { join } from "node:path";
import { createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import type { TrustBundle } from "../../../src/contract/trust-bundle.ts";
import type { DirectWorker } from "../../processes/direct-worker.ts";
import type { EgressInput, EgressOutput } from "../../processes/egress-process.ts";
import { findNginxVersion } from "../../processes/nginx.ts";
import type { NginxEgressInput, NginxEgressOutput } from "../../processes/nginx-egress-process.ts";
import type { OriginInput, OriginOutput } from "../../processes/origin-process.ts";
import type { OutboundWorkerInput } from "../../processes/outbound-worker-process.ts";
import { type Child, startChild } from "../../processes/start-child.ts";
import type { TlsParty } from "../../processes/tls-files.ts";
import { type Children, withChildren } from "../children.ts";
import type { SuiteOptions } from "../suite.ts";

const ORIGIN = new URL("../../processes/origin-process.ts", import.meta.url);
const EGRESS = new URL("../../processes/egress-process.ts", import.meta.url);
const NGINX_EGRESS = new URL("../../processes/nginx-egress-process.ts", import.meta.url);
const WORKER = new URL("../../processes/outbound-worker-process.ts", import.meta.url);

export const CONNECTIONS = 32;
const HOSTNAME = "localhost";
export const [ACCOUNT, PROJECT] = ["bench", "shop"];
/** Name of the egress' certificate in its project */
export const CERTIFICATE = "gateway";

export interface Stand {
  worker: DirectWorker;
  origin: OriginOutput;
  egressPid: number;
  /** Undefined where it is not installed */
  nginx: NginxEgressOutput | undefined;
}

export function withStand<Result>(options: SuiteOptions, use: (stand: Stand) => Promise<Result>): Promise<Result> {
  return withChildren(async (children) => {
    const { server, issueClient } = await createPki();
    const origin = await startOrigin(children, server);
    const socketPath = join(children.scratch.create("egress"), "egress");
    const egress = children.keep(await startEgress(await issueClient("egress"), socketPath, options));
    const nginx = await startNginxEgress(children, await issueClient("nginx"), origin.port);
    const worker = await startOutboundWorker(children, origin, nginx, {
      egress: { ...egress.output, socketPath, project: `${ACCOUNT}/${PROJECT}`, certificate: CERTIFICATE },
      workerdTls: await issueClient("workerd"),
    });
    return await use({ worker, origin, egressPid: egress.pid, nginx });
  });
}

export async function startOrigin({ scratch, keep }: Children, tls: TlsParty): Promise<OriginOutput> {
  const input: OriginInput = { directory: scratch.create("origin"), tls };
  return keep(await startChild<OriginInput, OriginOutput>(ORIGIN, input)).output;
}

export async function startOutboundWorker(
  { keep }: Children,
  origin: OriginOutput,
  nginx: NginxEgressOutput | undefined,
  rest: Pick<OutboundWorkerInput, "egress" | "workerdTls" | "port">,
): Promise<DirectWorker> {
  const input: OutboundWorkerInput = {
    originUrl: `https://${HOSTNAME}:${origin.port}`,
    plainUrl: `http://${HOSTNAME}:${origin.plainPort}`,
    nginxUrl: nginx?.url,
    ...rest,
  };
  return keep(await startChild<OutboundWorkerInput, DirectWorker>(WORKER, input)).output;
}

/** One CA for both sides. Each contender has a certificate of its own, so that the origin can tell them apart. */
export async function createPki(): Promise<{ server: TlsParty; issueClient: (name: string) => Promise<TlsParty> }> {
  const root = await createCertificateAuthority({ subject: "CN=bench-ca,O=Example,C=US" });
  const ca = root.certificatePem;
  const { certificatePem, keyPem } = await root.issueServer({ hostnames: [HOSTNAME] });
  return {
    server: { cert: certificatePem, key: keyPem, ca },
    async issueClient(name) {
      const { certificatePem: cert, keyPem: key } = await root.issue({ subject: `CN=${name}` });
      return { cert, key, ca };
    },
  };
}

function startEgress(
  tls: TlsParty,
  socketPath: string,
  { logFormat, cpuProfileDir }: SuiteOptions,
): Promise<Child<EgressOutput>> {
  const input = { socketPath, bundle: createBundle(tls), project: `${ACCOUNT}/${PROJECT}`, logFormat };
  const execArgv = cpuProfileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${cpuProfileDir}`];
  return startChild<EgressInput, EgressOutput>(EGRESS, input, { execArgv, stderr: "ignore" });
}

/** One account, whose project has the certificate {@link CERTIFICATE}. */
export function createBundle({ cert, key, ca }: TlsParty): TrustBundle {
  const certificate = {
    id: "cert_bench",
    version: "1",
    name: CERTIFICATE,
    project: PROJECT,
    environmentTypes: ["production" as const],
    isDisabled: false,
    certificate: cert,
    privateKey: key,
  };
  const account = {
    account: ACCOUNT,
    version: "1",
    caCertificates: [],
    domains: [],
    mtlsCertificates: [certificate],
    originCaCertificates: [{ id: "oca_bench", name: "bench_ca", project: PROJECT, certificate: ca }],
  };
  return { format: 1, version: "1", accounts: [account] };
}

/** Undefined where nginx is not installed */
export async function startNginxEgress(
  { scratch, keep }: Children,
  tls: TlsParty,
  originPort: number,
): Promise<NginxEgressOutput | undefined> {
  if (findNginxVersion() === undefined) return undefined;
  const origin = { hostname: HOSTNAME, port: originPort };
  const input = { directory: scratch.create("nginx-egress"), tls, origin, keptConnections: CONNECTIONS };
  return keep(await startChild<NginxEgressInput, NginxEgressOutput>(NGINX_EGRESS, input)).output;
}
