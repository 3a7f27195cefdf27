/** `sallyport dev`: the whole gateway on this machine, ready to be tried with curl. */
import { Command } from "commander";
import { controlOptions, deploymentOptions, edgeOptions } from "../stack/flags.ts";

export function createDevCommand(): Command {
  const command = new Command("dev")
    .description("run the gateway on this machine: edge, worker under wrangler dev, control plane, demo certificates")
    .option("--project-dir <dir>", "the project with config/ and modules/", ".")
    .option("--once", "start, send the requests of the ready block, show the answers, end", false);
  for (const option of [...edgeOptions(), ...deploymentOptions(), ...controlOptions()]) command.addOption(option);
  return command
    .addHelpText(
      "before",
      `Examples:
  $ sallyport dev
  $ sallyport dev --port 9443 --control-port 9444 --state-dir .sallyport-2   a second stack beside the first
  $ sallyport dev --once                                                     start, try, end
`,
    )
    .action(async (flags) => {
      const { runDev } = await import("../stack/run-dev.ts");
      await runDev(flags);
    });
}
