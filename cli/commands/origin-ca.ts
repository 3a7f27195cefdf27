/** `sallyport origin-ca …`: private CAs whose server certificates a project's origins may have. */
import { Command } from "commander";
import { addApiOptions, addRangeOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createOriginCaCommand(): Command {
  const group = new Command("origin-ca").description("the private CAs that issue your origins' server certificates");
  addExamples(
    group,
    "sallyport origin-ca create --name corporate_ca --cert ./corporate-ca.pem",
    "sallyport origin-ca list",
    "sallyport origin-ca delete --cert-id oca_abc123",
  );
  for (const verb of [createCreate(), createList(), createDescribe(), createDelete()]) group.addCommand(verb);
  return group;
}

function createCreate(): Command {
  const command = new Command("create")
    .description("accept server certificates of a private CA from the project's origins, beside those of public CAs")
    .requiredOption("--name <name>", "a JavaScript identifier, unique in the project")
    .requiredOption("--cert <file>", "the CA certificate as PEM: the self-signed root, without its private key")
    .action(createLazyAction(async () => (await import("../origin-cas/actions.ts")).createOriginCa));
  addExamples(command, "sallyport origin-ca create --name corporate_ca --cert ./corporate-ca.pem");
  return addApiOptions(command, "account", "project");
}

function createList(): Command {
  const command = new Command("list")
    .description("list the CA certificates of the project's origins, with the days they have left")
    .action(createLazyAction(async () => (await import("../origin-cas/actions.ts")).listOriginCas));
  addExamples(command, "sallyport origin-ca list", "sallyport origin-ca list -o json | jq -r '.data[].name'");
  return addApiOptions(addRangeOptions(command), "account", "project");
}

function createDescribe(): Command {
  const command = new Command("describe")
    .description("show a CA certificate of origins: names, validity, key, fingerprint, PEM")
    .requiredOption("--cert-id <id>", "oca_…, as list prints it")
    .action(createLazyAction(async () => (await import("../origin-cas/actions.ts")).describeOriginCa));
  addExamples(command, "sallyport origin-ca describe --cert-id oca_abc123");
  return addApiOptions(command, "account", "project");
}

function createDelete(): Command {
  const command = new Command("delete")
    .description("delete a CA certificate of origins: server certificates of it are no longer accepted")
    .requiredOption("--cert-id <id>", "oca_…, as list prints it")
    .action(createLazyAction(async () => (await import("../origin-cas/actions.ts")).deleteOriginCa));
  addExamples(command, "sallyport origin-ca delete --cert-id oca_abc123");
  return addApiOptions(command, "account", "project");
}
