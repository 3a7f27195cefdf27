/** Questions on a terminal. They stand on standard error, so that standard output stays what a script may read. */
import { confirm, isCancel, password, select, text } from "@clack/prompts";
import { CliError } from "../output.ts";

const output = process.stderr;

export function isTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** `check` gives what is wrong with an answer. @throws CliError when the question is cancelled */
export async function askText(
  message: string,
  initialValue: string,
  check: (answer: string) => string | undefined,
): Promise<string> {
  return answered(await text({ message, initialValue, validate: (answer) => check(answer ?? ""), output }));
}

/** The answer is not shown. */
export async function askSecret(message: string, check: (answer: string) => string | undefined): Promise<string> {
  return answered(await password({ message, validate: (answer) => check(answer ?? ""), output }));
}

export async function askChoice(message: string, choices: readonly string[]): Promise<string> {
  return answered(await select({ message, options: choices.map((value) => ({ value })), output }));
}

/** No is the answer that is already there. */
export async function askConfirmation(message: string): Promise<boolean> {
  const answer = await confirm({ message, initialValue: false, output });
  if (isCancel(answer)) throw new CliError("cancelled");
  return answer;
}

function answered(answer: string | symbol): string {
  if (isCancel(answer)) throw new CliError("cancelled");
  return answer as string;
}
