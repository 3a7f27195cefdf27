/**
 * The egress in a process of its own, without the edge's other half, so that its CPU time can be read. Its log and
 * its metrics are on, by the same code as in production; the parent gives the process the null device as standard error.
 */
import { LOOPBACK_NETWORKS } from "../../edge-shim/egress/addresses.ts";
import { startEgress } from "../../edge-shim/egress/egress.ts";
import { createEgressLog } from "../../edge-shim/egress/egress-log.ts";
import { EGRESS_SECRET_MIN_BYTES } from "../../edge-shim/egress/token.ts";
import { createLogger } from "../../edge-shim/log.ts";
import type { LogFormat } from "../../edge-shim/log-format.ts";
import { createMetrics } from "../../edge-shim/metrics.ts";
import { createTrustStore } from "../../edge-shim/trust/trust-store.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { runAsChild } from "./run-as-child.ts";

export interface EgressInput {
  /** Where it listens, as under `sallyport serve` */
  socketPath: string;
  /** Never changes */
  bundle: TrustBundle;
  /** `account/project` */
  project: string;
  logFormat: LogFormat;
}

export interface EgressOutput {
  /** For the project's worker */
  token: string;
}

runAsChild<EgressInput, EgressOutput>(async ({ socketPath, bundle, project, logFormat }) => {
  const egress = await startEgress(
    {
      listen: { path: socketPath },
      secret: crypto.getRandomValues(new Uint8Array(EGRESS_SECRET_MIN_BYTES)),
      allowedNetworks: LOOPBACK_NETWORKS,
    },
    {
      trust: createTrustStore(bundle),
      environment: "production",
      log: createMetrics().countEgress(createEgressLog(createLogger(logFormat))),
      clock: Date.now,
    },
  );
  return { output: { token: egress.issueToken(project) }, close: () => egress.close() };
});
