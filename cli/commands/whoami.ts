/** `sallyport whoami`: which control plane, key, account and project commands here work with. */
import { Command } from "commander";
import { addApiOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createWhoamiCommand(): Command {
  const command = new Command("whoami")
    .description("show which control plane, API key, account and project commands here work with")
    .action(createLazyAction(async () => (await import("../login/show-who-am-i.ts")).showWhoAmI));
  addExamples(command, "sallyport whoami", "sallyport whoami -o json | jq -r .scope");
  return addApiOptions(command, "account", "project");
}
