/**
 * The edge in a process of its own, so that its CPU time and memory can be read. Its request log is on, written by the
 * same code as in production; the parent gives the process the null device as standard error.
 */
import { syncBuiltinESMExports } from "node:module";
import tls, { type SecureContext, type SecureContextOptions } from "node:tls";
import type { JWK } from "jose";
import { startEdge } from "../../edge-shim/edge.ts";
import { LOOPBACK_NETWORKS } from "../../edge-shim/egress/addresses.ts";
import type { EgressOptions } from "../../edge-shim/egress/egress.ts";
import { createSigningJwk } from "../../edge-shim/ingress/assertion-signer.ts";
import { createEdgeCa } from "../../edge-shim/ingress/server-certificates.ts";
import { createLogger } from "../../edge-shim/log.ts";
import type { LogFormat } from "../../edge-shim/log-format.ts";
import {
  type ControlTrustSourceOptions,
  createControlTrustSource,
} from "../../edge-shim/trust/control-trust-source.ts";
import type { TrustSource } from "../../edge-shim/trust/trust-source.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { runAsChild } from "./run-as-child.ts";

export interface EdgeInput {
  upstreamUrl: string;
  /** A bundle that never changes, or a control plane */
  trust: { bundle: TrustBundle } | { control: ControlTrustSourceOptions };
  hostname: string;
  logFormat: LogFormat;
  /** Ed25519, private, for a worker that verifies assertions; made anew by default */
  signingKey?: JWK;
  /** Requests that leave, in the same process */
  egress?: { socketPath: string; secretBase64: string };
}

export interface EdgeOutput {
  port: number;
  /** PEM of the CA that issued the server certificates */
  caPem: string;
  /** From asking for the trust bundle to listening */
  readyMs: number;
  /** CPU time of this process for that */
  readyCpuMs: number;
}

/** What it says when it is asked. */
export interface EdgeReport {
  trustVersion: string;
  /** TLS contexts that were built since the start */
  contextBuilds: number;
}

/** Counts calls from all modules: they see the function that the module object has. */
function countContextBuilds(): () => number {
  const { createSecureContext } = tls;
  let builds = 0;
  Object.assign(tls, {
    createSecureContext(options?: SecureContextOptions): SecureContext {
      builds += 1;
      return createSecureContext(options);
    },
  });
  syncBuiltinESMExports();
  return () => builds;
}

/** A bundle that never changes. */
function createFixedTrustSource(bundle: TrustBundle): TrustSource {
  return {
    load: async () => bundle,
    watch: () => undefined,
    status: () => ({ state: "current" }),
    close: () => undefined,
  };
}

/** Origins are on this machine. */
function describeEgress({ socketPath, secretBase64 }: NonNullable<EdgeInput["egress"]>): EgressOptions {
  return {
    listen: { path: socketPath },
    secret: Buffer.from(secretBase64, "base64"),
    allowedNetworks: LOOPBACK_NETWORKS,
  };
}

runAsChild<EdgeInput, EdgeOutput>(async (input) => {
  const { upstreamUrl, trust, hostname, logFormat } = input;
  const contextBuilds = countContextBuilds();
  const edgeCa = await createEdgeCa(new Date());
  const signingKey = input.signingKey ?? (await createSigningJwk());
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  const edge = await startEdge({
    host: "127.0.0.1",
    port: 0,
    environment: "production",
    defaultHostname: hostname,
    upstream: { url: upstreamUrl },
    trustSource: "bundle" in trust ? createFixedTrustSource(trust.bundle) : createControlTrustSource(trust.control),
    ...(input.egress && { egress: describeEgress(input.egress) }),
    edgeCa,
    signingKey,
    version: "bench",
    logger: createLogger(logFormat),
  });
  const readyMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(startedCpu);
  return {
    output: { port: edge.port, caPem: edgeCa.certificatePem, readyMs, readyCpuMs: (user + system) / 1_000 },
    report: (): EdgeReport => ({ trustVersion: edge.readiness().trustVersion, contextBuilds: contextBuilds() }),
    close: () => edge.close(),
  };
});
