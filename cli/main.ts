#!/usr/bin/env node
/** `sallyport`: the commands, and what every one of them has in common. */
import { Command, CommanderError } from "commander";
import { createBuildCommand } from "./commands/build.ts";
import { createCaCertificateCommand } from "./commands/ca-certificate.ts";
import { createControlCommand } from "./commands/control.ts";
import { createCustomDomainCommand } from "./commands/custom-domain.ts";
import { createDeployCommand } from "./commands/deploy.ts";
import { createDevCommand } from "./commands/dev.ts";
import { createEdgeCommand } from "./commands/edge.ts";
import { createExplainCommand } from "./commands/explain.ts";
import { createInitCommand } from "./commands/init.ts";
import { createLinkCommand } from "./commands/link.ts";
import { createLoginCommand } from "./commands/login.ts";
import { createLogoutCommand } from "./commands/logout.ts";
import { createMasterKeyCommand } from "./commands/master-key.ts";
import { createMtlsCertificateCommand } from "./commands/mtls-certificate.ts";
import { createOriginCaCommand } from "./commands/origin-ca.ts";
import { createPkiCommand } from "./commands/pki.ts";
import { createServeCommand } from "./commands/serve.ts";
import { createWhoamiCommand } from "./commands/whoami.ts";
import { report } from "./output.ts";
import { VERSION } from "./version.ts";

const EXIT_FAILED = 1;
const EXIT_WRONG_USAGE = 2;

const program = new Command("sallyport")
  .description("an mTLS API gateway for Workers runtimes")
  .version(VERSION)
  .configureOutput({ outputError: (text, write) => write(formatUsageError(text)) })
  .showSuggestionAfterError()
  .showHelpAfterError("sallyport: hint: --help shows examples and all flags")
  .exitOverride();
for (const command of [
  createInitCommand(),
  createDevCommand(),
  createServeCommand(),
  createEdgeCommand(),
  createControlCommand(),
  createBuildCommand(),
  createDeployCommand(),
  createExplainCommand(),
  createCaCertificateCommand(),
  createMtlsCertificateCommand(),
  createOriginCaCommand(),
  createCustomDomainCommand(),
  createPkiCommand(),
  createMasterKeyCommand(),
  createLoginCommand(),
  createLogoutCommand(),
  createWhoamiCommand(),
  createLinkCommand(),
]) {
  inheritSettings(command, program);
  program.addCommand(command);
}

function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const verb of command.commands) inheritSettings(verb, command);
}

/** Commander's suggestion stands in brackets on a line of its own. */
function formatUsageError(text: string): string {
  return `sallyport: ${text}`.replace(/^\(Did you mean (.+)\?\)$/m, "sallyport: hint: did you mean $1?");
}

try {
  await program.parseAsync();
} catch (failure) {
  if (failure instanceof CommanderError) process.exitCode = failure.exitCode === 0 ? 0 : EXIT_WRONG_USAGE;
  else {
    report(failure);
    process.exitCode = EXIT_FAILED;
  }
}
