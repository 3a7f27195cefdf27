/** `sallyport ca-certificate …`: the roots that anchor client certificates on all domains of an account. */
import { Command } from "commander";
import { addApiOptions, addRangeOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createCaCertificateCommand(): Command {
  const group = new Command("ca-certificate").description("the CA certificates that anchor your clients' certificates");
  addExamples(
    group,
    "sallyport ca-certificate create --name my_ca --cert ./ca.pem",
    "sallyport ca-certificate list",
    "sallyport ca-certificate delete --cert-id mtlsca_abc123",
  );
  for (const verb of [createCreate(), createList(), createDescribe(), createUpdate(), createDelete()]) {
    group.addCommand(verb);
  }
  return group;
}

function createCreate(): Command {
  const command = new Command("create")
    .description("upload a CA certificate: the self-signed root, not an intermediate")
    .requiredOption("--name <name>", "a JavaScript identifier, unique in the account")
    .requiredOption("--cert <file>", "the CA certificate as PEM, without its private key")
    .action(createLazyAction(async () => (await import("../ca-certificates/actions.ts")).createCaCertificate));
  addExamples(
    command,
    "sallyport ca-certificate create --name my_ca --cert ./ca.pem",
    "sallyport ca-certificate create --name my_ca --cert ./ca.pem --account acme -o json",
  );
  return addApiOptions(command, "account");
}

function createList(): Command {
  const command = new Command("list")
    .description("list the CA certificates of the account, with the days they have left")
    .action(createLazyAction(async () => (await import("../ca-certificates/actions.ts")).listCaCertificates));
  addExamples(
    command,
    "sallyport ca-certificate list",
    "sallyport ca-certificate list -o json | jq -r '.data[] | select(.daysLeft < 30) | .name'",
  );
  return addApiOptions(addRangeOptions(command), "account");
}

function createDescribe(): Command {
  const command = new Command("describe")
    .description("show a CA certificate: names, validity, key, fingerprint, PEM")
    .requiredOption("--cert-id <id>", "mtlsca_…, as list prints it")
    .action(createLazyAction(async () => (await import("../ca-certificates/actions.ts")).describeCaCertificate));
  addExamples(
    command,
    "sallyport ca-certificate describe --cert-id mtlsca_abc123",
    "sallyport ca-certificate describe --cert-id mtlsca_abc123 -o json | jq -r .certificate > ca.pem",
  );
  return addApiOptions(command, "account");
}

function createUpdate(): Command {
  const command = new Command("update")
    .description("rename a CA certificate; to replace it, create the new one and delete the old one later")
    .requiredOption("--cert-id <id>", "mtlsca_…, as list prints it")
    .requiredOption("--name <name>", "the new name")
    .action(createLazyAction(async () => (await import("../ca-certificates/actions.ts")).renameCaCertificate));
  addExamples(command, "sallyport ca-certificate update --cert-id mtlsca_abc123 --name renamed_ca");
  return addApiOptions(command, "account");
}

function createDelete(): Command {
  const command = new Command("delete")
    .description("delete a CA certificate: its clients are rejected from their next request on")
    .requiredOption("--cert-id <id>", "mtlsca_…, as list prints it")
    .action(createLazyAction(async () => (await import("../ca-certificates/actions.ts")).deleteCaCertificate));
  addExamples(command, "sallyport ca-certificate delete --cert-id mtlsca_abc123");
  return addApiOptions(command, "account");
}
