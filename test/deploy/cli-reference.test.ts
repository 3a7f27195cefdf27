/** docs/cli.md is made of the commands themselves: `npx vitest run --project deploy -u` writes it anew. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { expect, it } from "vitest";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const COMMANDS = join(REPOSITORY, "cli/commands");

const INTRODUCTION = `# Commands

Made of the commands themselves, which say the same with \`--help\`. \`npx sallyport <command>\` in a project,
\`node cli/main.ts <command>\` in this repository.
`;

async function loadCommands(): Promise<Command[]> {
  const modules = await Promise.all(
    readdirSync(COMMANDS).map((file) => import(join(COMMANDS, file)) as Promise<Record<string, () => Command>>),
  );
  const factories = modules.flatMap((module) => Object.entries(module)).filter(([name]) => name.endsWith("Command"));
  return factories.map(([, create]) => create()).sort((one, other) => one.name().localeCompare(other.name()));
}

/** A command and, below it, its own commands. */
function describeCommand(command: Command, parent: string): string[] {
  const help = command.createHelp();
  const name = `${parent} ${command.name()}`;
  const usage = `${name} ${command.usage()}`.trim();
  const argumentRows = help.visibleArguments(command).map((argument) => {
    return row(help.argumentTerm(argument), help.argumentDescription(argument));
  });
  const optionRows = help
    .visibleOptions(command)
    .filter((option) => option.long !== "--help")
    .map((option) => row(help.optionTerm(option), help.optionDescription(option)));
  const rows = [...argumentRows, ...optionRows];
  const table = rows.length === 0 ? [] : ["| | |", "| --- | --- |", ...rows, ""];
  const section = [`${"#".repeat(name.split(" ").length)} ${name}`, "", command.description(), "", `\`${usage}\``, ""];
  return [...section, ...table, ...command.commands.flatMap((child) => describeCommand(child, name))];
}

function row(term: string, description: string): string {
  return `| \`${escapeBars(term)}\` | ${escapeBars(description).replaceAll("<", "&lt;")} |`;
}

function escapeBars(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

it("says what every command takes", async () => {
  const commands = await loadCommands();
  const text = [INTRODUCTION, ...commands.flatMap((command) => describeCommand(command, "sallyport"))].join("\n");
  await expect(text).toMatchFileSnapshot(join(REPOSITORY, "docs/cli.md"));
});
