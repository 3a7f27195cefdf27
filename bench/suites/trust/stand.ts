/** What both parts of the suite stand on: a scratch directory, a worker, a client with its CA; edges and connections. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CertificateAuthority, createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import type { EdgeInput, EdgeOutput } from "../../processes/edge-process.ts";
import type { KeptOpenLoad } from "../../processes/kept-open-process.ts";
import { type Child, startChild } from "../../processes/start-child.ts";
import type { TrivialWorker } from "../../processes/worker-process.ts";
import type { SuiteOptions } from "../suite.ts";
import { watchChange } from "./changes.ts";
import { type ControlPlane, createEdgeKey } from "./control-plane.ts";

const WORKER = new URL("../../processes/worker-process.ts", import.meta.url);
const EDGE = new URL("../../processes/edge-process.ts", import.meta.url);
const KEPT_OPEN = new URL("../../processes/kept-open-process.ts", import.meta.url);

export const CONNECTIONS = 50;

export interface Stand {
  options: SuiteOptions;
  ca: CertificateAuthority;
  /** Of a client that {@link ca} issued a certificate to */
  client: { cert: string; key: string };
  worker: Child<TrivialWorker>;
  /** A new, empty directory, which goes with the stand */
  createDirectory(name: string): string;
  /** Ends everything, what came last first, and removes the scratch directory. Safe to repeat. */
  close(): Promise<void>;
  /** Has `thing` stopped with the stand. */
  keep<Thing extends { stop(): Promise<void> }>(thing: Thing): Thing;
}

export async function createStand(options: SuiteOptions): Promise<Stand> {
  const ca = await createCertificateAuthority({ subject: "CN=bench-client-ca,O=Example,C=US" });
  const { certificatePem, keyPem } = await ca.issue({ subject: "CN=bench-client,O=Example,C=US" });
  const scratch = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  const removeScratch = () => rmSync(scratch, { recursive: true, force: true });
  // However the run ends, short of being killed
  process.once("exit", removeScratch);
  // What a child that is killed would leave in the system's directory, workerd's sockets say, goes with it.
  const { TMPDIR: tmpdirBefore } = process.env;
  process.env.TMPDIR = scratch;
  const running: { stop(): Promise<void> }[] = [];
  const keep = <Thing extends { stop(): Promise<void> }>(thing: Thing): Thing => {
    running.push(thing);
    return thing;
  };
  return {
    options,
    ca,
    client: { cert: certificatePem, key: keyPem },
    worker: keep(await startChild<object, TrivialWorker>(WORKER, {})),
    createDirectory(name) {
      const path = join(scratch, name);
      mkdirSync(path);
      return path;
    },
    async close() {
      for (let thing = running.pop(); thing !== undefined; thing = running.pop()) await thing.stop();
      if (tmpdirBefore === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = tmpdirBefore;
      removeScratch();
      process.off("exit", removeScratch);
    },
    keep,
  };
}

/** The path of the client's CA certificate, for the CLI. */
export function writeCa({ ca }: Stand, directory: string): string {
  const path = join(directory, "ca.pem");
  writeFileSync(path, ca.certificatePem);
  return path;
}

/** An edge that takes its trust from `control`. Its copy on disk goes to `directory`. */
export async function startControlledEdge(
  stand: Stand,
  control: ControlPlane,
  hostname: string,
  directory: string,
): Promise<Child<EdgeOutput>> {
  const apiKey = await createEdgeKey(control);
  const cachePath = join(directory, "control-bundle.json");
  return startEdge(stand, hostname, { control: { url: control.url, apiKey, cachePath } });
}

export function startEdge(stand: Stand, hostname: string, trust: EdgeInput["trust"]): Promise<Child<EdgeOutput>> {
  const { logFormat, cpuProfileDir } = stand.options;
  const input = { upstreamUrl: stand.worker.output.url, trust, hostname, logFormat };
  const execArgv = cpuProfileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${cpuProfileDir}`];
  return startChild<EdgeInput, EdgeOutput>(EDGE, input, { execArgv, stderr: "ignore" });
}

/** Connections that are busy, and whose client certificate the edge verified. */
export async function openBusyConnections(
  { client }: Stand,
  { port, caPem }: EdgeOutput,
  hostname: string,
  pauseMs: number,
): Promise<Child<object>> {
  const identity = { servername: hostname, ca: caPem, ...client };
  const load = await startChild<KeptOpenLoad, object>(KEPT_OPEN, { port, identity, connections: CONNECTIONS, pauseMs });
  try {
    await watchChange({ load, connections: CONNECTIONS }, (verdict) => verdict === "SUCCESS");
    return load;
  } catch (error) {
    await load.stop();
    throw error;
  }
}
