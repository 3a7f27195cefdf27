/** `sallyport custom-domain …`: host names of your own, active once their DNS says that they are yours. */
import { Command } from "commander";
import { addApiOptions, addRangeOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createCustomDomainCommand(): Command {
  const group = new Command("custom-domain").description("host names of your own, verified by a DNS record");
  addExamples(
    group,
    "sallyport custom-domain create --hostname api.example.com",
    "sallyport custom-domain verify --hostname api.example.com",
    "sallyport custom-domain list",
  );
  for (const verb of [createCreate(), createList(), createVerify(), createDelete()]) group.addCommand(verb);
  return group;
}

function createCreate(): Command {
  const command = new Command("create")
    .description("claim a host name for the project; it prints the DNS record to set")
    .requiredOption("--hostname <name>", "api.example.com, without scheme, port, path or wildcard")
    .action(createLazyAction(async () => (await import("../custom-domains/actions.ts")).createCustomDomain));
  addExamples(
    command,
    "sallyport custom-domain create --hostname api.example.com",
    "sallyport custom-domain create --hostname api.example.com --project shop -o json",
  );
  return addApiOptions(command, "account", "project");
}

function createList(): Command {
  const command = new Command("list")
    .description("list the custom domains of the account, and the DNS records of those that are pending")
    .action(createLazyAction(async () => (await import("../custom-domains/actions.ts")).listCustomDomains));
  addExamples(
    command,
    "sallyport custom-domain list",
    `sallyport custom-domain list -o json | jq -r '.data[] | select(.status == "pending") | .hostname'`,
  );
  return addApiOptions(addRangeOptions(command), "account");
}

function createVerify(): Command {
  const command = new Command("verify")
    .description("look for the DNS record, and make the domain active if it is there")
    .requiredOption("--hostname <name>", "a host name that was claimed with create")
    .action(createLazyAction(async () => (await import("../custom-domains/actions.ts")).verifyCustomDomain));
  addExamples(command, "sallyport custom-domain verify --hostname api.example.com");
  return addApiOptions(command, "account");
}

function createDelete(): Command {
  const command = new Command("delete")
    .description("delete a custom domain; it is no longer served")
    .requiredOption("--hostname <name>", "a host name that list prints")
    .action(createLazyAction(async () => (await import("../custom-domains/actions.ts")).deleteCustomDomain));
  addExamples(command, "sallyport custom-domain delete --hostname api.example.com");
  return addApiOptions(command, "account");
}
