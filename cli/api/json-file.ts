/** Small JSON files that commands leave for one another. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { safeParse, type ZodMiniType } from "zod/mini";
import { readOptional, writeWhole } from "../../edge-shim/files.ts";
import { CliError } from "../output.ts";

const DIRECTORY_MODE = 0o700;
const PRIVATE_MODE = 0o600;

/** Undefined when there is no such file. @throws CliError with `hint` for one that is not what it should be */
export function readJsonFile<Value>(path: string, schema: ZodMiniType<Value>, hint: string): Value | undefined {
  let text: string | undefined;
  try {
    text = readOptional(path);
  } catch (cause) {
    throw new CliError(`"${path}" cannot be read: ${(cause as Error).message}`, hint);
  }
  if (text === undefined) return undefined;
  const value = parseJson(text, schema);
  if (value === undefined) throw new CliError(`"${path}" is damaged`, hint);
  return value;
}

/** Undefined for what is not JSON, and for other JSON than the schema's. */
export function parseJson<Value>(text: string, schema: ZodMiniType<Value>): Value | undefined {
  try {
    return safeParse(schema, JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** 0600, in a directory that is made with 0700. @throws CliError */
export function writeJsonFile(path: string, value: object): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
    writeWhole(path, `${JSON.stringify(value, null, 2)}\n`, PRIVATE_MODE);
  } catch (cause) {
    throw new CliError(`"${path}" cannot be written: ${(cause as Error).message}`);
  }
}
