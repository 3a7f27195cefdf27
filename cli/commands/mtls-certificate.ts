/** `sallyport mtls-certificate …`: the client certificates that a project presents to its origins. */
import { Command, InvalidArgumentError, Option } from "commander";
import { ENVIRONMENT_TYPES } from "../../src/contract/egress.ts";
import { addApiOptions, addRangeOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createMtlsCertificateCommand(): Command {
  const group = new Command("mtls-certificate").description("the client certificates that you present to your origins");
  addExamples(
    group,
    "sallyport mtls-certificate create --name aws_alb_cert --cert ./client-cert.pem --key ./client-key.pem --environment-type production",
    "sallyport mtls-certificate list",
    "sallyport mtls-certificate update --cert-id cert_abc123 --cert ./new-cert.pem --key ./new-key.pem",
  );
  for (const verb of [
    createCreate(),
    createList(),
    createDescribe(),
    createUpdate(),
    createDisable(),
    createDelete(),
  ]) {
    group.addCommand(verb);
  }
  return group;
}

function environmentTypeOption(description: string): Option {
  return new Option("--environment-type <type>", `${description} (${ENVIRONMENT_TYPES.join(", ")})`).argParser(
    (type: string, types: string[] | undefined) => [...(types ?? []), parseEnvironmentType(type)],
  );
}

function createCreate(): Command {
  const command = new Command("create")
    .description("upload a client certificate with its private key, which is kept encrypted")
    .requiredOption("--name <name>", "a JavaScript identifier, unique in the project")
    .requiredOption("--cert <file>", "PEM: the client certificate, then its intermediates")
    .requiredOption("--key <file>", "PEM: its private key, without a passphrase")
    .addOption(environmentTypeOption("the kind of environment that may present it; repeat it for several"))
    .action(createLazyAction(async () => (await import("../mtls-certificates/actions.ts")).createMtlsCertificate));
  addExamples(
    command,
    "sallyport mtls-certificate create --name aws_alb_cert --cert ./client-cert.pem --key ./client-key.pem --environment-type development --environment-type production",
  );
  return addApiOptions(command, "account", "project");
}

function createList(): Command {
  const command = new Command("list")
    .description("list the client certificates of the project, with the days they have left")
    .action(createLazyAction(async () => (await import("../mtls-certificates/actions.ts")).listMtlsCertificates));
  addExamples(
    command,
    "sallyport mtls-certificate list",
    "sallyport mtls-certificate list -o json | jq -r '.data[] | select(.daysLeft < 30) | .name'",
  );
  return addApiOptions(addRangeOptions(command), "account", "project");
}

function createDescribe(): Command {
  const command = createForOne(
    "describe",
    "show a client certificate: names, validity, environments, PEM; never its key",
  ).action(createLazyAction(async () => (await import("../mtls-certificates/actions.ts")).describeMtlsCertificate));
  addExamples(command, "sallyport mtls-certificate describe --cert-id cert_abc123");
  return addApiOptions(command, "account", "project");
}

function createUpdate(): Command {
  const command = createForOne(
    "update",
    "replace certificate and key under the same id and name, or change environments",
  )
    .option("--cert <file>", "PEM: the new client certificate, then its intermediates")
    .option("--key <file>", "PEM: its private key")
    .addOption(environmentTypeOption("in place of all that it had, and enables it again; repeat it for several"))
    .action(createLazyAction(async () => (await import("../mtls-certificates/actions.ts")).updateMtlsCertificate));
  addExamples(
    command,
    "sallyport mtls-certificate update --cert-id cert_abc123 --cert ./new-cert.pem --key ./new-key.pem",
    "sallyport mtls-certificate update --cert-id cert_abc123 --environment-type preview --environment-type production",
  );
  return addApiOptions(command, "account", "project");
}

function createDisable(): Command {
  const command = createForOne("disable", "stop presenting a client certificate at once, everywhere").action(
    createLazyAction(async () => (await import("../mtls-certificates/actions.ts")).disableMtlsCertificate),
  );
  addExamples(command, "sallyport mtls-certificate disable --cert-id cert_abc123");
  return addApiOptions(command, "account", "project");
}

function createDelete(): Command {
  const command = createForOne("delete", "delete a client certificate that no deployment uses").action(
    createLazyAction(async () => (await import("../mtls-certificates/actions.ts")).deleteMtlsCertificate),
  );
  addExamples(command, "sallyport mtls-certificate delete --cert-id cert_abc123");
  return addApiOptions(command, "account", "project");
}

function createForOne(verb: string, description: string): Command {
  return new Command(verb).description(description).requiredOption("--cert-id <id>", "cert_…, as list prints it");
}

/** In place of commander's `choices`, which a parser that gathers repeated flags puts out of force. */
function parseEnvironmentType(type: string): string {
  const known: readonly string[] = ENVIRONMENT_TYPES;
  if (!known.includes(type)) throw new InvalidArgumentError(`Allowed choices are ${known.join(", ")}.`);
  return type;
}
