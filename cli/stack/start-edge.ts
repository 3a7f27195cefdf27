/** The edge of a stack: everything that it needs from the state directory, and failures in words. */
import type { Logger } from "pino";
import { type Edge, startEdge } from "../../edge-shim/edge.ts";
import type { EgressOptions } from "../../edge-shim/egress/egress.ts";
import { type OperationsServer, startOperationsServer } from "../../edge-shim/operations.ts";
import { type TrustSource, TrustSourceError } from "../../edge-shim/trust/trust-source.ts";
import { CliError } from "../output.ts";
import { VERSION } from "../version.ts";
import { DEFAULT_HOSTNAME } from "./demo-trust.ts";
import type { EdgeFlags } from "./flags.ts";
import { explainListenFailure } from "./ports.ts";
import { ensureEdgeCa, ensureSigningKey, type StateDirectory } from "./state-directory.ts";

export interface StackEdge {
  readonly edge: Edge;
  close(): Promise<void>;
}

export interface StackEdgeOptions {
  flags: EdgeFlags;
  environment: string;
  state: StateDirectory;
  upstreamUrl: string;
  egress: EgressOptions;
  tlsDir?: string | undefined;
  trustSource: TrustSource;
  logger: Logger;
}

/** @throws CliError with what to do about it */
export async function startStackEdge(options: StackEdgeOptions): Promise<StackEdge> {
  const { flags, state } = options;
  const edge = await startEdge({
    host: flags.host,
    port: flags.port,
    environment: options.environment,
    defaultHostname: DEFAULT_HOSTNAME,
    upstream: { url: options.upstreamUrl },
    trustSource: options.trustSource,
    egress: options.egress,
    edgeCa: await ensureEdgeCa(state),
    ...(options.tlsDir === undefined ? {} : { tlsDirectory: options.tlsDir }),
    signingKey: await ensureSigningKey(state),
    version: VERSION,
    logger: options.logger,
    limits: flags.limit,
  }).catch((failure: unknown) => {
    throw explain(failure, flags);
  });
  const operations = await startOperations(flags, edge);
  options.logger.info({ event: "listening", edge: edge.port, operations: operations?.port }, "the edge listens");
  return {
    edge,
    async close() {
      await edge.close();
      await operations?.close();
    },
  };
}

async function startOperations({ metricsPort }: EdgeFlags, edge: Edge): Promise<OperationsServer | undefined> {
  if (metricsPort === undefined) return undefined;
  try {
    return await startOperationsServer(metricsPort, () => edge.readiness(), edge.metrics);
  } catch (failure) {
    await edge.close();
    throw explainListenFailure(failure, "127.0.0.1", metricsPort, "--metrics-port");
  }
}

function explain(failure: unknown, flags: EdgeFlags): unknown {
  if (failure instanceof TrustSourceError) {
    return new CliError([failure.message, ...failure.problems].join("; "), "without trust nobody could be verified");
  }
  // Options that cannot be, or not together
  if (failure instanceof TypeError || failure instanceof RangeError) return new CliError(failure.message);
  return explainListenFailure(failure, flags.host, flags.port, "--port");
}
