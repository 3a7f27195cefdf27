/** What `sallyport edge` does. */
import { join } from "node:path";
import { readOptional } from "../../edge-shim/files.ts";
import { createLogger } from "../../edge-shim/log.ts";
import type { TrustSourceOptions } from "../../edge-shim/trust/open-trust-source.ts";
import { CliError, print } from "../output.ts";
import { ensureDemoBundle, ensureDemoPkiOf } from "./demo-trust.ts";
import { planEgress } from "./egress.ts";
import type { DeploymentFlags, EdgeFlags } from "./flags.ts";
import { createLifetime } from "./lifetime.ts";
import { startStackEdge } from "./start-edge.ts";
import { openStateDirectory, type StateDirectory, writeWorkerEnv } from "./state-directory.ts";

export interface EdgeCommandFlags extends EdgeFlags, DeploymentFlags {
  upstream: string;
  trustBundle?: string;
  controlUrl?: string;
  apiKey?: string;
}

export async function runEdge(flags: EdgeCommandFlags): Promise<void> {
  const lifetime = createLifetime();
  const logger = createLogger(flags.logFormat);
  const state = openStateDirectory(flags.stateDir);
  const egress = await planEgress(state, flags, flags, { isLocal: false });
  const { edge, close } = await startStackEdge({
    flags,
    environment: flags.environment,
    state,
    upstream: { url: flags.upstream },
    egress: egress.options,
    trustSource: await chooseTrustSource(flags, state),
    logger,
  });
  writeWorkerEnv(state, { jwks: edge.jwks, environment: flags.environment, egress: egress.variables });
  print(`sallyport edge on https://localhost:${edge.port}, in front of ${flags.upstream}`);
  print(
    "\nThe worker believes this edge, and presents certificates through it, when it is started with its variables:",
  );
  print(`\n  npx wrangler dev --env-file ${state.workerEnvPath}\n`);
  await lifetime.ended;
  await close();
}

/** A control plane, a bundle file, or without either the demo's CA. */
async function chooseTrustSource(flags: EdgeCommandFlags, state: StateDirectory): Promise<TrustSourceOptions> {
  if (flags.controlUrl !== undefined) {
    if (flags.apiKey === undefined) {
      throw new CliError("--control-url needs an edge key", "give it with --api-key, or in SALLYPORT_EDGE_KEY");
    }
    const cachePath = join(state.path, "control-bundle.json");
    return { url: flags.controlUrl, apiKey: flags.apiKey, cachePath };
  }
  if (flags.trustBundle === undefined) {
    return { path: ensureDemoBundle(state, flags, await ensureDemoPkiOf(state)) };
  }
  if (readOptional(flags.trustBundle) === undefined) {
    throw new CliError(`"${flags.trustBundle}" does not exist`, "leave --trust-bundle out to use the demo's CA");
  }
  return { path: flags.trustBundle };
}
