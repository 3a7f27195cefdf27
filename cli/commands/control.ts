/** `sallyport control`: the control plane alone. */
import { Command } from "commander";
import { controlOptions, stateOptions } from "../stack/flags.ts";

export function createControlCommand(): Command {
  const command = new Command("control").description("run the control plane alone");
  for (const option of [...stateOptions(), ...controlOptions()]) command.addOption(option);
  return command
    .addHelpText(
      "before",
      `Examples:
  $ sallyport control --state-dir /var/lib/sallyport
`,
    )
    .action(async (flags) => {
      const { runControl } = await import("../stack/run-control.ts");
      await runControl(flags);
    });
}
