/**
 * The edge in a process of its own, so that its CPU time can be read. Its request log is on, written by the same code
 * as in production; the parent gives the process the null device as standard error.
 */
import { startEdge } from "../../edge-shim/edge.ts";
import { createSigningJwk } from "../../edge-shim/ingress/assertion-signer.ts";
import { createEdgeCa } from "../../edge-shim/ingress/server-certificates.ts";
import { createLogger } from "../../edge-shim/log.ts";
import type { LogFormat } from "../../edge-shim/log-format.ts";
import type { TrustSource } from "../../edge-shim/trust/trust-source.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { runAsChild } from "./run-as-child.ts";

export interface EdgeInput {
  upstreamUrl: string;
  bundle: TrustBundle;
  hostname: string;
  logFormat: LogFormat;
}

export interface EdgeOutput {
  port: number;
  /** PEM of the CA that issued the server certificates */
  caPem: string;
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

runAsChild<EdgeInput, EdgeOutput>(async ({ upstreamUrl, bundle, hostname, logFormat }) => {
  const edgeCa = await createEdgeCa(new Date());
  const edge = await startEdge({
    host: "127.0.0.1",
    port: 0,
    environment: "production",
    defaultHostname: hostname,
    upstream: { url: upstreamUrl },
    trustSource: createFixedTrustSource(bundle),
    edgeCa,
    signingKey: await createSigningJwk(),
    version: "bench",
    logger: createLogger(logFormat),
  });
  return { output: { port: edge.port, caPem: edgeCa.certificatePem }, close: () => edge.close() };
});
