/** The result of a command, on standard output: text for people, or with `-o json` JSON and nothing else. */
import { Refusal } from "../api/refusal.ts";
import { print } from "../output.ts";

export interface OutputFlags {
  output: "default" | "json";
}

export function showResult<Value>(flags: OutputFlags, value: Value, describe: (value: Value) => string): void {
  if (flags.output === "json") printJson(value);
  else print(describe(value));
}

/** A refusal is data too: its document goes to standard output, and its text to standard error as always. */
export async function showRefusal(flags: OutputFlags, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (failure) {
    if (failure instanceof Refusal && flags.output === "json") printJson(failure.document);
    throw failure;
  }
}

function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
