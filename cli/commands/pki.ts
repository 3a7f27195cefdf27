/** `sallyport pki …`: a CA and client certificates for development, for people who have no CA. */
import { Command, InvalidArgumentError, Option } from "commander";
import { outputOption } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

const ROOT_LIFETIME_DAYS = 3650;
const CLIENT_LIFETIME_DAYS = 365;
/** RFC 5280 has no time after the year 9999, and nobody means more than this */
const LIFETIME_MAX_DAYS = 36_500;

export function createPkiCommand(): Command {
  const group = new Command("pki").description("make a CA and client certificates for development");
  addExamples(
    group,
    "sallyport pki init",
    "sallyport pki issue --name client",
    "sallyport ca-certificate create --name my_ca --cert ./ca.pem",
  );
  group.addCommand(createInit());
  group.addCommand(createIssue());
  return group;
}

function createInit(): Command {
  const command = new Command("init")
    .description("make a CA: ca.pem to upload, and ca.key to issue client certificates with")
    .option("--name <name>", "common name of the CA")
    .option("--subject <dn>", "the whole name (default: CN=example-ca,O=Example,C=US)")
    .addOption(daysOption(ROOT_LIFETIME_DAYS))
    .action(createLazyAction(async () => (await import("../pki/init.ts")).initializePki));
  addExamples(
    command,
    "sallyport pki init",
    'sallyport pki init --subject "CN=acme-ca,O=Acme,C=US" --dir ./pki --days 730',
  );
  return addFileOptions(command);
}

function createIssue(): Command {
  const command = new Command("issue")
    .description("issue a client certificate under the CA: <name>.pem and <name>.key")
    .option("--name <name>", "name of the files, and common name of the client", "client")
    .option("--subject <dn>", "the whole name (default: the common name alone)")
    .option("--san <kind:value>", "dns:, uri:, email: or ip:, as often as needed", collect, [])
    .addOption(daysOption(CLIENT_LIFETIME_DAYS))
    .option("--ca <file>", "certificate of the CA (default: ca.pem in the directory)")
    .option("--ca-key <file>", "private key of the CA (default: ca.key in the directory)")
    .option(
      "--intermediate [dn]",
      "issue under an intermediate CA, which is made if there is none; also <name>-chain.pem",
    )
    .action(createLazyAction(async () => (await import("../pki/issue.ts")).issueClientCertificate));
  addExamples(
    command,
    "sallyport pki issue --name client",
    'sallyport pki issue --name billing --subject "CN=billing,O=Acme,C=US" --san uri:spiffe://acme.example/billing',
    "sallyport pki issue --name client --intermediate",
  );
  return addFileOptions(command);
}

function addFileOptions(command: Command): Command {
  return command
    .option("--dir <dir>", "where the files are", ".")
    .option("--force", "overwrite what is there", false)
    .addOption(outputOption());
}

function daysOption(days: number): Option {
  return new Option("--days <days>", "how long it is valid").default(days).argParser(parseDays);
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!/^[0-9]+$/.test(text) || days < 1 || days > LIFETIME_MAX_DAYS) {
    throw new InvalidArgumentError(`Days are 1 to ${LIFETIME_MAX_DAYS}.`);
  }
  return days;
}

function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}
