/** A thousand accounts: what ten thousand CA certificates and domains cost an edge, and what a change costs then. */
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import { readResidentMebibytes } from "../../measurement/memory.ts";
import type { Sample } from "../../measurement/sample.ts";
import type { EdgeOutput, EdgeReport } from "../../processes/edge-process.ts";
import type { Filling } from "../../processes/fill-control-process.ts";
import type { HandshakeLoad } from "../../processes/handshake-process.ts";
import { accountName, hostnameOf, PROJECT } from "../../processes/many-accounts.ts";
import { shakeHandsWithEach } from "../../processes/shake-hands.ts";
import { type Child, runChild } from "../../processes/start-child.ts";
import { alternate, type Contender, type Figure, type MeasuredContender } from "../suite.ts";
import { createApiOperator } from "./ca-operator.ts";
import { measureChanges } from "./changes.ts";
import { type ControlPlane, persistDirOf, startControlPlane } from "./control-plane.ts";
import { describeChanges } from "./propagation.ts";
import { CONNECTIONS, openBusyConnections, type Stand, startControlledEdge, startEdge } from "./stand.ts";

const FILL = new URL("../../processes/fill-control-process.ts", import.meta.url);
const HANDSHAKES = new URL("../../processes/handshake-process.ts", import.meta.url);

const ACCOUNTS = 1_000;
/** CA certificates, and domains */
const EACH = 10;
const STARTS = 4;
/** In use, of all */
const DOMAINS = 1_000;
/** Each is one deletion and one creation */
const CHANGES = 10;
const HANDSHAKE_CONCURRENCY = 16;
const WARM_UP_MS = 500;
const HANDSHAKE_SHARE_OF_TIME = 0.5;

const POLL_MS = 20;
const ATTEMPTS_MAX = 500;

const LOAD_TARGET = { atMost: 3 };
const MEMORY_TARGET = { atMost: 500 };
const RATE_TARGET = { atLeast: 0.9 };

/** The account in which something happens; it has the client's CA certificate besides those that were filled in. */
const ACCOUNT_INDEX = 0;
const ACCOUNT = accountName(ACCOUNT_INDEX);
const HOSTNAME = hostnameOf(ACCOUNT_INDEX, 0);

interface ScaleResult {
  figures: Figure[];
  measured: MeasuredContender[];
}

export async function measureScale(stand: Stand): Promise<ScaleResult> {
  const directory = stand.createDirectory("many-accounts");
  const control = stand.keep(await startFilledControlPlane(stand, directory));
  const ca = { account: ACCOUNT, name: "client_ca", certificatePem: stand.ca.certificatePem };
  const operator = createApiOperator(control, ca);
  const { id } = await operator.create();
  const { edge, figures } = await startRepeatedly(stand, control, directory);
  stand.keep(edge);
  figures.push(...(await useManyDomains(stand, control, edge)));
  const { measured, ratio } = await compareHandshakeRates(stand, edge);
  const load = stand.keep(await openBusyConnections(stand, edge.output, HOSTNAME, 0));
  const changes = await measureChanges({ operator, id, load, connections: CONNECTIONS, times: CHANGES });
  stand.options.note(`${ACCOUNTS} accounts: ${CHANGES} deletions and creations`);
  figures.push(ratio, ...describeChanges("API, full load, 1,000 accounts", changes));
  figures.push(memoryFigure("edge's memory at the end of all this", [readResidentMebibytes(edge.pid)]));
  await load.stop();
  await edge.stop();
  return { measured, figures };
}

async function startFilledControlPlane({ options }: Stand, directory: string): Promise<ControlPlane> {
  await runChild<Filling, object>(FILL, {
    persistDir: persistDirOf(directory),
    accounts: ACCOUNTS,
    caCertificatesEach: EACH,
    domainsEach: EACH,
  });
  options.note(`a control plane with ${ACCOUNTS} accounts, ${ACCOUNTS * EACH} CA certificates and domains is filled`);
  return startControlPlane(directory);
}

/** The edge's starts, of which the last one goes on. */
async function startRepeatedly(
  stand: Stand,
  control: ControlPlane,
  directory: string,
): Promise<{ edge: Child<EdgeOutput>; figures: Figure[] }> {
  const starts: number[] = [];
  const cpuTimes: number[] = [];
  const residents: (number | undefined)[] = [];
  for (;;) {
    const edge = await startControlledEdge(stand, control, HOSTNAME, directory);
    starts.push(edge.output.readyMs / 1_000);
    cpuTimes.push(edge.output.readyCpuMs / 1_000);
    residents.push(readResidentMebibytes(edge.pid));
    stand.options.note(
      `start ${starts.length} of ${STARTS}: the edge listens after ${Math.round(edge.output.readyMs)} ms`,
    );
    if (starts.length === STARTS) {
      const figures: Figure[] = [
        { name: "bundle loaded, edge listens", unit: "s", values: starts, target: LOAD_TARGET },
        { name: "the edge's CPU time for that", unit: "s", values: cpuTimes },
        memoryFigure("edge's memory after loading", residents),
      ];
      return { edge, figures };
    }
    await edge.stop();
  }
}

function memoryFigure(name: string, mebibytes: readonly (number | undefined)[]): Figure {
  const values = mebibytes.filter((value) => value !== undefined);
  return { name, unit: "MiB", values, target: MEMORY_TARGET };
}

/** Handshakes on many domains, once before and once after a CA certificate is added to one of their accounts. */
async function useManyDomains(stand: Stand, control: ControlPlane, edge: Child<EdgeOutput>): Promise<Figure[]> {
  const start = await edge.ask<EdgeReport>();
  await visitDomains(stand, edge.output);
  const first = await edge.ask<EdgeReport>();
  const memory = memoryFigure(`edge's memory after handshakes on ${DOMAINS} domains`, [
    readResidentMebibytes(edge.pid),
  ]);
  await visitDomains(stand, edge.output);
  const second = await edge.ask<EdgeReport>();
  const { certificatePem } = await createCertificateAuthority({ subject: "CN=bench-added-ca,O=Example,C=US" });
  await createApiOperator(control, { account: ACCOUNT, name: "added_ca", certificatePem }).create();
  await waitForNewTrust(edge, second.trustVersion);
  await visitDomains(stand, edge.output);
  const third = await edge.ask<EdgeReport>();
  stand.options.note(`${DOMAINS} domains were visited three times`);
  const contexts = (name: string, from: EdgeReport, to: EdgeReport, target?: Figure["target"]): Figure => ({
    name: `TLS contexts built: ${name}`,
    unit: "contexts",
    values: [to.contextBuilds - from.contextBuilds],
    ...(target === undefined ? {} : { target }),
  });
  return [
    memory,
    contexts(`${DOMAINS} domains visited the first time`, start, first, { atLeast: DOMAINS }),
    contexts("visited again", first, second, { atMost: 0 }),
    contexts(`again, after an account with ${EACH} of them got one more CA`, second, third, { atMost: EACH }),
  ];
}

async function visitDomains({ client }: Stand, { port, caPem }: EdgeOutput): Promise<void> {
  const context = createSecureContext({ ca: caPem, ...client });
  const hostnames = Array.from({ length: DOMAINS }, (_, index) => hostnameOf(Math.floor(index / EACH), index % EACH));
  await shakeHandsWithEach(hostnames, { port, context });
}

async function waitForNewTrust(edge: Child<EdgeOutput>, oldVersion: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if ((await edge.ask<EdgeReport>()).trustVersion !== oldVersion) return;
    await delay(POLL_MS);
  }
  throw new Error("the edge did not hear of a new CA certificate");
}

async function compareHandshakeRates(
  stand: Stand,
  edge: Child<EdgeOutput>,
): Promise<{ measured: MeasuredContender[]; ratio: Figure }> {
  const ca = { id: "mtlsca_bench", name: "client_ca", certificate: stand.ca.certificatePem };
  const account = {
    account: ACCOUNT,
    version: "1",
    caCertificates: [ca],
    domains: [{ hostname: HOSTNAME, project: PROJECT }],
  };
  const small = stand.keep(
    await startEdge(stand, HOSTNAME, { bundle: { format: 1, version: "1", accounts: [account] } }),
  );
  const contender = (name: string, { pid, output }: Child<EdgeOutput>): Contender => ({
    operation: "handshakes",
    name,
    measure: () =>
      runChild<HandshakeLoad, Sample>(HANDSHAKES, {
        port: output.port,
        identity: { servername: HOSTNAME, ca: output.caPem, ...stand.client },
        concurrency: HANDSHAKE_CONCURRENCY,
        warmUpMs: WARM_UP_MS,
        measureMs: stand.options.measureMs * HANDSHAKE_SHARE_OF_TIME,
        watched: { edge: pid },
      }),
  });
  const contenders = [contender("an edge with 1 CA certificate", small), contender("an edge with 10,000", edge)];
  const measured = await alternate(contenders, stand.options);
  await small.stop();
  const [one = [], many = []] = measured.map(({ samples }) =>
    samples.map(({ operations, seconds }) => operations / seconds),
  );
  const values = many.map((rate, round) => rate / (one[round] ?? Number.NaN));
  return { measured, ratio: { name: "handshake rate, to that with 1 CA", unit: "×", values, target: RATE_TARGET } };
}
