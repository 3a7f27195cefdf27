/** Clients with certificates → the edge → a trivial worker, beside the same worker without the edge. */
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { decodeJwt } from "jose";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import type { EdgeAssertion } from "../../src/contract/edge-assertion.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import type { Sample } from "../measurement/sample.ts";
import type { ClientIdentity } from "../processes/client-identity.ts";
import type { EdgeInput, EdgeOutput } from "../processes/edge-process.ts";
import type { HandshakeLoad } from "../processes/handshake-process.ts";
import type { KeepAliveLoad } from "../processes/keep-alive-process.ts";
import { type Child, runChild, startChild } from "../processes/start-child.ts";
import { ASSERTION_PATH, SMALL_JSON } from "../processes/worker-answers.ts";
import type { TrivialWorker } from "../processes/worker-process.ts";
import { alternate, type Contender, type Suite, type SuiteOptions, type SuiteResult } from "./suite.ts";

const WORKER = new URL("../processes/worker-process.ts", import.meta.url);
const EDGE = new URL("../processes/edge-process.ts", import.meta.url);
const KEEP_ALIVE = new URL("../processes/keep-alive-process.ts", import.meta.url);
const HANDSHAKES = new URL("../processes/handshake-process.ts", import.meta.url);

const HOSTNAME = "localhost";
const CONNECTIONS = 32;
const HANDSHAKE_CONCURRENCY = 16;
const WARM_UP_MS = 500;
/** Handshakes need no more: they are slow, and each leaves a port in TIME_WAIT */
const HANDSHAKE_SHARE_OF_TIME = 0.5;

export const inbound: Suite = { description: "client mTLS through the edge, and the worker without it", run };

async function run(options: SuiteOptions): Promise<SuiteResult> {
  const { bundle, client } = await createClientSide();
  const worker = await startChild<object, TrivialWorker>(WORKER, {});
  try {
    const edge = await startEdge(worker.output, bundle, options);
    try {
      const identity = { servername: HOSTNAME, ca: edge.output.caPem, ...client };
      await checkVerified(edge.output.port, identity);
      const measured = await alternate(createContenders({ worker, edge, identity }, options), options);
      return { conditions: describeConditions(options), measured };
    } finally {
      await edge.stop();
    }
  } finally {
    await worker.stop();
  }
}

/** One account with one CA certificate, and a client that it issued a certificate to. */
async function createClientSide(): Promise<{ bundle: TrustBundle; client: { cert: string; key: string } }> {
  const root = await createCertificateAuthority({ subject: "CN=bench-ca,O=Example,C=US" });
  const { certificatePem, keyPem } = await root.issue({ subject: "CN=bench-client,O=Example,C=US" });
  const account = {
    account: "bench",
    version: "1",
    caCertificates: [{ id: "mtlsca_bench", name: "bench_ca", certificate: root.certificatePem }],
    domains: [{ hostname: HOSTNAME, project: "bench" }],
  };
  return { bundle: { format: 1, version: "1", accounts: [account] }, client: { cert: certificatePem, key: keyPem } };
}

function startEdge(
  worker: TrivialWorker,
  bundle: TrustBundle,
  { logFormat, cpuProfileDir }: SuiteOptions,
): Promise<Child<EdgeOutput>> {
  const input = { upstreamUrl: worker.url, trust: { bundle }, hostname: HOSTNAME, logFormat };
  const execArgv = cpuProfileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${cpuProfileDir}`];
  return startChild<EdgeInput, EdgeOutput>(EDGE, input, { execArgv, stderr: "ignore" });
}

/** A fast answer to a client that was not verified would be worth nothing. */
async function checkVerified(port: number, identity: ClientIdentity): Promise<void> {
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path: ASSERTION_PATH, headers: { host: HOSTNAME }, agent: false, ...identity },
      (response) => text(response).then(resolve, reject),
    );
    sent.once("error", reject).end();
  });
  const { tlsClientAuth } = decodeJwt<Pick<EdgeAssertion, "tlsClientAuth">>(answer);
  if (tlsClientAuth.certVerified !== "SUCCESS") {
    throw new Error(`"${tlsClientAuth.certVerified}" is what the edge said about the benchmark's client certificate`);
  }
}

interface Parties {
  worker: Child<TrivialWorker>;
  edge: Child<EdgeOutput>;
  identity: ClientIdentity;
}

function createContenders({ worker, edge, identity }: Parties, { measureMs }: SuiteOptions): Contender[] {
  const watchedWorker = worker.output.workerdPid === undefined ? {} : { worker: worker.output.workerdPid };
  const watched = { edge: edge.pid, ...watchedWorker };
  const keepAlive = {
    hostname: HOSTNAME,
    connections: CONNECTIONS,
    expectedBody: SMALL_JSON,
    warmUpMs: WARM_UP_MS,
    measureMs,
  };
  const load = (rest: Pick<KeepAliveLoad, "url" | "watched" | "identity">) =>
    runChild<KeepAliveLoad, Sample>(KEEP_ALIVE, { ...keepAlive, ...rest });
  return [
    {
      operation: "requests",
      name: "plain HTTP, straight to the worker",
      measure: () => load({ url: worker.output.url, watched: watchedWorker }),
    },
    {
      operation: "requests",
      name: "mTLS, through the edge",
      measure: () => load({ url: `https://127.0.0.1:${edge.output.port}`, watched, identity }),
    },
    {
      operation: "handshakes",
      name: "mTLS, new connections to the edge",
      measure: () =>
        runChild<HandshakeLoad, Sample>(HANDSHAKES, {
          port: edge.output.port,
          identity,
          concurrency: HANDSHAKE_CONCURRENCY,
          warmUpMs: WARM_UP_MS,
          measureMs: measureMs * HANDSHAKE_SHARE_OF_TIME,
          watched: { edge: edge.pid },
        }),
    },
  ];
}

function describeConditions({ rounds, measureMs, logFormat, cpuProfileDir }: SuiteOptions): string[] {
  return [
    `${rounds} rounds of ${measureMs / 1_000} s each, the contenders by turns, all on this machine over loopback`,
    `requests: HTTP/1.1, keep-alive, ${CONNECTIONS} connections, ${SMALL_JSON.length} bytes of JSON`,
    `handshakes: full, ECDSA P-256 on both sides, ${HANDSHAKE_CONCURRENCY} at a time, no request on them`,
    `the edge's request log is on (${logFormat}, as in production) and goes to the null device`,
    ...(cpuProfileDir === undefined ? [] : ["the edge ran under Node's profiler, which makes it slower"]),
  ];
}
