/** `sallyport login`: keeps a control plane and the key for it. */
import { Command } from "commander";
import { addApiOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createLoginCommand(): Command {
  const command = new Command("login")
    .description("log in to a control plane; not needed where a local stack is running")
    .action(createLazyAction(async () => (await import("../login/login.ts")).login));
  addExamples(
    command,
    "sallyport login",
    'SALLYPORT_API_KEY="$KEY" sallyport login --api-url https://control.example.com',
  );
  return addApiOptions(command, "account");
}
