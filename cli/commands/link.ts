/** `sallyport link`: remembers account and project for a directory. */
import { Command } from "commander";
import { addApiOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createLinkCommand(): Command {
  const command = new Command("link")
    .description("remember account and project for this directory, in link.json of its state directory")
    .action(createLazyAction(async () => (await import("../login/link.ts")).link));
  addExamples(command, "sallyport link", "sallyport link --account acme --project shop");
  return addApiOptions(command, "account", "project");
}
