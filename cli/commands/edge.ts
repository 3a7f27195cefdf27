/** `sallyport edge`: the edge alone, in front of a worker that somebody else runs. */
import { Command } from "commander";
import { readOptional } from "../../edge-shim/files.ts";
import { createLogger } from "../../edge-shim/log.ts";
import { CliError, print } from "../output.ts";
import { ensureDemoTrust } from "../stack/demo-trust.ts";
import { type EdgeFlags, edgeOptions } from "../stack/flags.ts";
import { startStackEdge } from "../stack/start-edge.ts";
import { openStateDirectory } from "../stack/state-directory.ts";
import { createLifetime } from "../stack/until-signal.ts";

interface EdgeCommandFlags extends EdgeFlags {
  upstream: string;
  trustBundle?: string;
}

export function createEdgeCommand(): Command {
  const command = new Command("edge")
    .description("run the edge alone, in front of a worker that somebody else runs")
    .requiredOption("--upstream <url>", "where the worker listens, http://localhost:8787")
    .option(
      "--trust-bundle <file>",
      "accounts, domains and CA certificates (default: trust-bundle.json in the state dir)",
    );
  for (const option of edgeOptions()) command.addOption(option);
  return command.action(runEdge);
}

async function runEdge(flags: EdgeCommandFlags): Promise<void> {
  const lifetime = createLifetime();
  const logger = createLogger(flags.logFormat);
  const state = openStateDirectory(flags.stateDir);
  const trustBundlePath = flags.trustBundle ?? state.trustBundlePath;
  if (flags.trustBundle === undefined) await ensureDemoTrust(state, flags);
  else if (readOptional(flags.trustBundle) === undefined) {
    throw new CliError(`"${flags.trustBundle}" does not exist`, "leave --trust-bundle out to use the demo's CA");
  }
  const edge = await startStackEdge(flags, state, flags.upstream, trustBundlePath, logger);
  print(`sallyport edge on https://localhost:${edge.port}, in front of ${flags.upstream}`);
  print("\nThe worker believes this edge when it is started with its public keys:");
  print(`\n  npx wrangler dev --env-file ${state.workerEnvPath}\n`);
  await lifetime.ended;
  await edge.close();
}
