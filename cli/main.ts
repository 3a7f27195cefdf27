#!/usr/bin/env node
/** `sallyport`: the commands, and what every one of them has in common. */
import { Command, CommanderError } from "commander";
import { createBuildCommand } from "./commands/build.ts";
import { createControlCommand } from "./commands/control.ts";
import { createDevCommand } from "./commands/dev.ts";
import { createEdgeCommand } from "./commands/edge.ts";
import { report } from "./output.ts";
import { VERSION } from "./version.ts";

const EXIT_FAILED = 1;
const EXIT_WRONG_USAGE = 2;

const program = new Command("sallyport")
  .description("an mTLS API gateway for Workers runtimes")
  .version(VERSION)
  .configureOutput({ outputError: (text, write) => write(`sallyport: ${text}`) })
  .showSuggestionAfterError()
  .exitOverride();
for (const command of [createDevCommand(), createEdgeCommand(), createControlCommand(), createBuildCommand()]) {
  program.addCommand(command.copyInheritedSettings(program));
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
