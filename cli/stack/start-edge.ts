/** The edge of a stack: everything that it needs from the state directory, and failures in words. */
import type { Logger } from "pino";
import { type Edge, startEdge } from "../../edge-shim/edge.ts";
import { createFileTrustSource } from "../../edge-shim/trust/file-trust-source.ts";
import { TrustSourceError } from "../../edge-shim/trust/trust-source.ts";
import { CliError } from "../output.ts";
import { VERSION } from "../version.ts";
import { DEFAULT_HOSTNAME } from "./demo-trust.ts";
import type { EdgeFlags } from "./flags.ts";
import { ensureEdgeCa, ensureSigningKey, type StateDirectory, writeWorkerEnv } from "./state-directory.ts";

/** @throws CliError with what to do about it */
export async function startStackEdge(
  flags: EdgeFlags,
  state: StateDirectory,
  upstreamUrl: string,
  trustBundlePath: string,
  logger: Logger,
): Promise<Edge> {
  const edgeCa = await ensureEdgeCa(state);
  const signingKey = await ensureSigningKey(state);
  try {
    const edge = await startEdge({
      host: flags.host,
      port: flags.port,
      environment: flags.environment,
      defaultHostname: DEFAULT_HOSTNAME,
      upstream: { url: upstreamUrl },
      trustSource: createFileTrustSource(trustBundlePath),
      edgeCa,
      signingKey,
      version: VERSION,
      logger,
    });
    writeWorkerEnv(state, edge.jwks, flags.environment);
    return edge;
  } catch (failure) {
    throw explain(failure, flags, trustBundlePath);
  }
}

function explain(failure: unknown, flags: EdgeFlags, trustBundlePath: string): unknown {
  if (failure instanceof TrustSourceError) {
    return new CliError(
      [failure.message, ...failure.problems].join("; "),
      `correct "${trustBundlePath}", or delete it`,
    );
  }
  const { code } = failure as NodeJS.ErrnoException;
  const address = `${flags.host}:${flags.port}`;
  if (code === "EADDRINUSE")
    return new CliError(`"${address}" is in use`, "choose another port with --port, 0 picks one");
  if (code === "EACCES") return new CliError(`"${address}" may not be used`, "choose a port above 1023 with --port");
  if (code === "EADDRNOTAVAIL") return new CliError(`"${flags.host}" is not an address of this machine`, "see --host");
  if (failure instanceof TypeError) return new CliError(failure.message);
  return failure;
}
