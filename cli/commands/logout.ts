/** `sallyport logout`: removes what login kept. */
import { Command } from "commander";
import { outputOption } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createLogoutCommand(): Command {
  const command = new Command("logout")
    .description("remove the API key that login kept")
    .addOption(outputOption())
    .action(createLazyAction(async () => (await import("../login/logout.ts")).logout));
  return addExamples(command, "sallyport logout");
}
