/** `sallyport explain`: what the edge would decide about a client certificate, why, and what to do about it. */
import { Command, InvalidArgumentError } from "commander";
import { parseHostname } from "../../src/contract/hostname.ts";
import { addApiOptions } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

export function createExplainCommand(): Command {
  const command = new Command("explain")
    .description("say what the edge would decide about a client certificate and why; exit 1 when it does not verify")
    .option("--cert <file>", 'the client\'s certificate or chain as PEM; "-" reads standard input, as does a pipe')
    .option(
      "--domain <host>",
      "where the client connects to (default: localhost, or the project's domain)",
      parseDomain,
    )
    .option("--ca <file...>", "judge by these CA certificates, not by the uploaded ones; needs no control plane")
    .hook("preAction", assertInput)
    .action(createLazyAction(async () => (await import("../explain/action.ts")).explainFile));
  addExamples(
    command,
    "sallyport explain --cert client.pem",
    "sallyport explain --cert client-chain.pem --domain api.example.com",
    "sallyport explain --cert client.pem --ca root.pem",
    "cat client.pem intermediate.pem | sallyport explain -o json",
  );
  return addApiOptions(command, "account", "project");
}

function parseDomain(text: string): string {
  const hostname = parseHostname(text);
  if (hostname === undefined) throw new InvalidArgumentError("Give a host name such as api.example.com.");
  return hostname;
}

function assertInput(command: Command): void {
  if (command.getOptionValue("cert") === undefined && process.stdin.isTTY) {
    command.error("error: required option '--cert <file>' not specified, and nothing is piped in");
  }
}
