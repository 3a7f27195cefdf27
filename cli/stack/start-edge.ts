/** The edge of a stack: everything that it needs from the state directory, and failures in words. */
import type { Logger } from "pino";
import { type RunningEdge, startEdge } from "../../edge-shim/edge.ts";
import type { EgressOptions } from "../../edge-shim/egress/egress.ts";
import type { UpstreamOptions } from "../../edge-shim/ingress/upstream.ts";
import { type OperationsServer, startOperationsServer } from "../../edge-shim/operations.ts";
import { startEdgeProcesses } from "../../edge-shim/processes/edge-processes.ts";
import { openTrustSource, type TrustSourceOptions } from "../../edge-shim/trust/open-trust-source.ts";
import { TrustSourceError } from "../../edge-shim/trust/trust-source.ts";
import { CliError } from "../output.ts";
import { VERSION } from "../version.ts";
import { DEFAULT_HOSTNAME } from "./demo-trust.ts";
import type { EdgeFlags } from "./flags.ts";
import { explainListenFailure } from "./ports.ts";
import { ensureEdgeCa, ensureSigningKey, type StateDirectory } from "./state-directory.ts";

export interface StackEdge {
  readonly edge: RunningEdge;
  close(): Promise<void>;
}

export interface StackEdgeOptions {
  flags: EdgeFlags;
  environment: string;
  state: StateDirectory;
  upstream: UpstreamOptions;
  egress: EgressOptions;
  tlsDir?: string | undefined;
  trustSource: TrustSourceOptions;
  logger: Logger;
}

/** @throws CliError with what to do about it */
export async function startStackEdge(options: StackEdgeOptions): Promise<StackEdge> {
  const { flags, state, trustSource, logger } = options;
  const { processes = 1, logFormat } = flags;
  const edgeOptions = {
    host: flags.host,
    port: flags.port,
    environment: options.environment,
    defaultHostname: DEFAULT_HOSTNAME,
    upstream: options.upstream,
    egress: options.egress,
    edgeCa: await ensureEdgeCa(state),
    ...(options.tlsDir === undefined ? {} : { tlsDirectory: options.tlsDir }),
    signingKey: await ensureSigningKey(state),
    version: VERSION,
    limits: flags.limit,
    ...(flags.proxyProtocolFrom.length === 0 ? {} : { proxyProtocolFrom: flags.proxyProtocolFrom }),
  };
  const edge = await (processes === 1
    ? startEdge({ ...edgeOptions, trustSource: openTrustSource(trustSource), logger })
    : startEdgeProcesses({ ...edgeOptions, trustSource, logFormat }, processes, logger)
  ).catch((failure: unknown) => {
    throw explain(failure, options);
  });
  const operations = await startOperations(flags, edge);
  logger.info({ event: "listening", edge: edge.port, operations: operations?.port, processes }, "the edge listens");
  return {
    edge,
    async close() {
      await edge.close();
      await operations?.close();
    },
  };
}

async function startOperations(
  { metricsPort, metricsHost }: EdgeFlags,
  edge: RunningEdge,
): Promise<OperationsServer | undefined> {
  if (metricsPort === undefined) return undefined;
  try {
    return await startOperationsServer({ host: metricsHost, port: metricsPort }, () => edge.readiness(), edge.metrics);
  } catch (failure) {
    await edge.close();
    throw explainListenFailure(failure, metricsHost, metricsPort, "--metrics-port");
  }
}

function explain(failure: unknown, { flags, egress }: StackEdgeOptions): unknown {
  if (failure instanceof TrustSourceError) {
    return new CliError([failure.message, ...failure.problems].join("; "), "without trust nobody could be verified");
  }
  // Options that cannot be, or not together
  if (failure instanceof TypeError || failure instanceof RangeError) return new CliError(failure.message);
  const { listen } = egress;
  return "port" in listen && (failure as { port?: unknown }).port === listen.port
    ? explainListenFailure(failure, "127.0.0.1", listen.port, "--egress-port")
    : explainListenFailure(failure, flags.host, flags.port, "--port");
}
