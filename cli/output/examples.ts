/** Help with the examples first: what one wants to paste stands above what one may want to read. */
import type { Command } from "commander";

export function addExamples(command: Command, ...lines: string[]): Command {
  return command.addHelpText("before", `Examples:\n${lines.map((line) => `  ${line}`).join("\n")}\n`);
}
