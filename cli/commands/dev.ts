/** `sallyport dev`: the whole gateway on this machine, ready to be tried with curl. */
import { Command } from "commander";
import { controlOptions, deploymentOptions, edgeOptions, originOptions } from "../stack/flags.ts";

export function createDevCommand(): Command {
  const command = new Command("dev")
    .description(
      "run the gateway on this machine: edge, worker under wrangler dev, control plane, demo certificates and origin",
    )
    .option("--project-dir <dir>", "the project with config/ and modules/", ".")
    .option("--once", "start, send the requests of the ready block, show the answers, end", false);
  const options = [...edgeOptions(), ...deploymentOptions(), ...controlOptions(), ...originOptions()];
  for (const option of options) command.addOption(option);
  return command
    .addHelpText(
      "before",
      `Examples:
  $ sallyport dev
  $ sallyport dev --port 9443 --control-port 9444 --state-dir .sallyport-2
  $ sallyport dev --once                                                     start, try, end
`,
    )
    .action(async (flags) => {
      const { runDev } = await import("../stack/run-dev.ts");
      await runDev(flags);
    });
}
