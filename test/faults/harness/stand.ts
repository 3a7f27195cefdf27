/**
 * What a fault meets: an edge in a process of its own before a worker, a steady load of verified clients, and strangers
 * who try to pass for one. Everything ends with the stand, and with the process however that ends.
 */
import type { DirectWorker } from "../../../bench/processes/direct-worker.ts";
import { type Child, startChild } from "../../../bench/processes/start-child.ts";
import { createScratchDirectory, type ScratchDirectory } from "../../../bench/suites/scratch-directory.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import type { TrustBundle } from "../../../src/contract/trust-bundle.ts";
import { createBundle } from "../../edge/harness/trust.ts";
import type { ClientsInput, ClientsReport, VerifiedIdentity } from "../processes/clients.ts";
import type { EdgeInput, EdgeOutput, EdgeReport } from "../processes/edge-process.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

export const [ACCOUNT, PROJECT] = ["acme", "shop"] as const;
/** As the control plane names a project's managed domain */
export const HOSTNAME = `${PROJECT}.${ACCOUNT}.localhost`;
/** Of the CA that the account trusts, and of the strangers' */
export const CA_SUBJECT = "CN=faults-ca,O=Example,C=US";
const CLIENTS = 20;
/** An edge that is flooded takes its time before it answers its parent */
const ANSWER_TIMEOUT_MS = 60_000;

const moduleOf = (name: string) => new URL(`../processes/${name}-process.ts`, import.meta.url);

export type StandOptions = Pick<EdgeInput, "limits" | "egress"> & {
  /** Default: a bundle that never changes */
  trust?: (stand: Pki & { scratch: ScratchDirectory }) => Promise<EdgeInput["trust"]>;
};

export interface Pki {
  ca: CertificateAuthority;
  rogueCa: CertificateAuthority;
  /** What trusts {@link ca} for {@link HOSTNAME} */
  bundle: TrustBundle;
}

export interface Stand extends Pki, AsyncDisposable {
  readonly edge: Child<EdgeOutput>;
  readonly proxy: TcpProxy;
  readonly scratch: ScratchDirectory;
  /** What the clients saw since they were last asked */
  askClients(): Promise<ClientsReport>;
  askEdge(): Promise<EdgeReport>;
  /** Kills the worker and all that belongs to it. */
  killWorker(): Promise<void>;
  startWorker(): Promise<void>;
  /** Starts another process of ../processes, which ends with the stand at the latest. */
  start<Input extends object, Output>(name: string, input: Input): Promise<Child<Output>>;
}

export async function createStand(options: StandOptions = {}): Promise<Stand> {
  const scratch = createScratchDirectory();
  const running = new Set<Child<unknown>>();
  async function start<Input extends object, Output>(
    name: string,
    input: Input,
    execArgv: string[] = [],
  ): Promise<Child<Output>> {
    const child = await startChild<Input, Output>(moduleOf(name), input, {
      execArgv,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
    });
    running.add(child);
    return child;
  }
  async function close(proxy?: TcpProxy): Promise<void> {
    // Clients first, so that the edge has nothing under way
    for (const child of [...running].reverse()) await child.stop();
    await proxy?.[Symbol.asyncDispose]();
    scratch.remove();
  }
  try {
    const pki = await createPki();
    let worker = await start<object, DirectWorker>("worker", {});
    const proxy = await startTcpProxy(worker.output.url);
    const trust = (await options.trust?.({ ...pki, scratch })) ?? { bundle: pki.bundle };
    const { limits = {}, egress } = options;
    const input = { upstreamUrl: proxy.url, trust, hostname: HOSTNAME, limits, ...(egress && { egress }) };
    const edge = await start<EdgeInput, EdgeOutput>("edge", input, ["--expose-gc"]);
    const clients = await start<ClientsInput, object>("clients", await describeClients(pki, edge.output));
    return {
      ...pki,
      ...{ edge, proxy, scratch, start },
      askClients: () => clients.ask(),
      askEdge: () => edge.ask(),
      async killWorker() {
        process.kill(worker.output.workerdPid ?? worker.pid, "SIGKILL");
        running.delete(worker);
        await worker.stop();
      },
      async startWorker() {
        worker = await start<object, DirectWorker>("worker", {});
        proxy.target = worker.output.url;
      },
      [Symbol.asyncDispose]: () => close(proxy),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createPki(): Promise<Pki> {
  const [ca, rogueCa] = await Promise.all(
    [CA_SUBJECT, CA_SUBJECT].map((subject) => createCertificateAuthority({ subject })),
  );
  if (ca === undefined || rogueCa === undefined) throw new Error("no CA");
  return {
    ca,
    rogueCa,
    bundle: createBundle({ [ACCOUNT]: { domains: [[HOSTNAME, PROJECT]], caCertificates: { ca } } }),
  };
}

async function describeClients({ ca, rogueCa }: Pki, { port, caPem }: EdgeOutput): Promise<ClientsInput> {
  const verified = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => issue(ca, `CN=client-${index}`)));
  const rogue = await issue(rogueCa, "CN=client-0");
  return { port, caPem, hostname: HOSTNAME, verified, rogue };
}

export async function issue(ca: CertificateAuthority, subject: string): Promise<VerifiedIdentity> {
  const { chainPem, keyPem } = await ca.issue({ subject });
  return { subject, cert: chainPem, key: keyPem };
}
