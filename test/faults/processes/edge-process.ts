/** The edge in a process of its own: says, when asked, how much memory it holds, what it logged, and whether it is ready. */
import pino from "pino";
import { runAsChild } from "../../../bench/processes/run-as-child.ts";
import { startEdge } from "../../../edge-shim/edge.ts";
import { LOOPBACK_NETWORKS } from "../../../edge-shim/egress/addresses.ts";
import type { EgressLimits } from "../../../edge-shim/egress/limits.ts";
import { EGRESS_SECRET_MIN_BYTES } from "../../../edge-shim/egress/token.ts";
import { createSigningJwk } from "../../../edge-shim/ingress/assertion-signer.ts";
import type { IngressLimits } from "../../../edge-shim/ingress/limits.ts";
import { createEdgeCa } from "../../../edge-shim/ingress/server-certificates.ts";
import type { Readiness } from "../../../edge-shim/operations.ts";
import {
  type ControlTrustSourceOptions,
  createControlTrustSource,
} from "../../../edge-shim/trust/control-trust-source.ts";
import type { TrustSource } from "../../../edge-shim/trust/trust-source.ts";
import type { TrustBundle } from "../../../src/contract/trust-bundle.ts";
import { INCOMPLETE } from "./edge-events.ts";

export interface EdgeInput {
  upstreamUrl: string;
  /** A bundle that never changes, or a control plane */
  trust: { bundle: TrustBundle } | { control: ControlTrustSourceOptions };
  /** Also for clients without SNI */
  hostname: string;
  limits?: Partial<IngressLimits>;
  /** Given: the edge has an egress, and this process a token for `project` */
  egress?: { project: string; limits: Partial<EgressLimits> };
}

export interface EdgeOutput {
  port: number;
  /** PEM of the CA that issued the server certificates */
  caPem: string;
  egress: { url: string; token: string } | undefined;
}

export interface EdgeReport {
  /** JavaScript's heap and the buffers outside it, after garbage collection */
  heapMebibytes: number;
  readiness: Readiness;
  /** How often each event was logged since the start; requests without a whole answer are {@link INCOMPLETE} */
  events: Record<string, number>;
  /** The last warnings and errors */
  complaints: string[];
  /** What would have ended a process that nobody watches */
  crashes: string[];
}

const BYTES_PER_MEBIBYTE = 1024 * 1024;
const COMPLAINTS_MAX = 100;
const WARNING = 40;

function createFixedTrustSource(bundle: TrustBundle): TrustSource {
  return {
    load: async () => bundle,
    watch: () => undefined,
    status: () => ({ state: "current" }),
    close: () => undefined,
  };
}

interface LogEvent {
  level: number;
  event?: string;
  incomplete?: boolean;
}

/** Counts events instead of writing them. */
function createCountingLog() {
  const events: Record<string, number> = {};
  const complaints: string[] = [];
  const write = (line: string) => {
    const { level, event = "other", incomplete } = JSON.parse(line) as LogEvent;
    const name = incomplete ? INCOMPLETE : event;
    events[name] = (events[name] ?? 0) + 1;
    if (level < WARNING) return;
    complaints.push(line.trim());
    if (complaints.length > COMPLAINTS_MAX) complaints.shift();
  };
  return { events, complaints, logger: pino({ base: null }, { write }) };
}

function measureHeap(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / BYTES_PER_MEBIBYTE;
}

runAsChild<EdgeInput, EdgeOutput>(async ({ upstreamUrl, trust, hostname, limits = {}, egress }) => {
  const { events, complaints, logger } = createCountingLog();
  const crashes: string[] = [];
  process.on("uncaughtException", (error) => crashes.push(error.stack ?? String(error)));
  const edgeCa = await createEdgeCa(new Date());
  const edge = await startEdge({
    host: "127.0.0.1",
    port: 0,
    environment: "production",
    defaultHostname: hostname,
    upstream: { url: upstreamUrl },
    trustSource: "bundle" in trust ? createFixedTrustSource(trust.bundle) : createControlTrustSource(trust.control),
    edgeCa,
    signingKey: await createSigningJwk(),
    version: "faults",
    logger,
    limits,
    ...(egress && {
      egress: {
        listen: { port: 0 },
        secret: crypto.getRandomValues(new Uint8Array(EGRESS_SECRET_MIN_BYTES)),
        allowedNetworks: LOOPBACK_NETWORKS,
        limits: egress.limits,
      },
    }),
  });
  return {
    output: {
      port: edge.port,
      caPem: edgeCa.certificatePem,
      egress: egress && edge.egress && { url: edge.egress.url, token: edge.egress.issueToken(egress.project) },
    },
    report: (): EdgeReport => ({
      heapMebibytes: measureHeap(),
      readiness: edge.readiness(),
      events,
      complaints,
      crashes,
    }),
    close: () => edge.close(),
  };
});
