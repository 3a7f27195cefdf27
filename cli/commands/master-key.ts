/** `sallyport master-key …`: the key of the control plane that private keys are sealed under. */
import { Command } from "commander";
import { addApiOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createMasterKeyCommand(): Command {
  const group = new Command("master-key").description("the key that private keys are sealed under (for operators)");
  addExamples(group, "sallyport master-key rewrap");
  group.addCommand(createRewrap());
  return group;
}

function createRewrap(): Command {
  const command = new Command("rewrap")
    .description("bring all private keys under the new master key, so that the previous one can go")
    .action(createLazyAction(async () => (await import("../master-key/rewrap.ts")).rewrapMasterKey));
  addExamples(
    command,
    'SALLYPORT_MASTER_KEY="$new" SALLYPORT_PREVIOUS_MASTER_KEY="$old" sallyport dev',
    "sallyport master-key rewrap                              in another terminal, with the stack's own admin key",
    'sallyport master-key rewrap --api-url https://control.example.com --api-key "$(cat admin-key)"',
  );
  return addApiOptions(command);
}
