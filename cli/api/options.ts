/** The flags of every command that talks to a control plane, each with the environment variable that may stand for it. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { OutputFlags } from "../output/result.ts";
import { parseApiUrl } from "./api-url.ts";

export interface ApiFlags extends OutputFlags {
  apiUrl?: string;
  apiKey?: string;
  account?: string;
  project?: string;
  stateDir: string;
  /** Seconds */
  timeout: number;
}

const CONNECTION = "Connection:";
const TIMEOUT_DEFAULT_SECONDS = 30;
const TIMEOUT_MAX_SECONDS = 3600;

/** Which part of a list; all of it when left out. */
export interface RangeFlags extends ApiFlags {
  offset?: number;
  limit?: number;
}

export function outputOption(): Option {
  return new Option("-o, --output <format>", "what goes to standard output")
    .choices(["default", "json"])
    .default("default");
}

/** No parser for the key: what a parser refuses is printed. */
function apiKeyOption(): Option {
  return new Option("--api-key <key>", "API key, spk_…").env("SALLYPORT_API_KEY").helpGroup(CONNECTION);
}

function connectionOptions(): Option[] {
  return [
    new Option("--api-url <url>", "the control plane, http://127.0.0.1:8444")
      .env("SALLYPORT_API_URL")
      .argParser(parseUrlFlag)
      .helpGroup(CONNECTION),
    apiKeyOption(),
    new Option("--state-dir <dir>", "where the local stack and `sallyport link` write")
      .default(".sallyport")
      .helpGroup(CONNECTION),
    new Option("--timeout <seconds>", "how long to wait for an answer")
      .default(TIMEOUT_DEFAULT_SECONDS)
      .argParser(parseTimeout)
      .helpGroup(CONNECTION),
  ];
}

function targetOption(name: "account" | "project"): Option {
  const described = new Option(`--${name} <name>`, `the ${name} to work on`);
  return described.env(`SALLYPORT_${name.toUpperCase()}`).helpGroup(CONNECTION);
}

/** Adds `--output`, the connection, and what of account and project the command works on. */
export function addApiOptions(command: Command, ...targets: ("account" | "project")[]): Command {
  for (const option of [outputOption(), ...targets.map(targetOption), ...connectionOptions()]) {
    command.addOption(option);
  }
  return command;
}

export function addRangeOptions(command: Command): Command {
  return command
    .addOption(new Option("--offset <number>", "leave out the first ones").argParser(parseCount))
    .addOption(new Option("--limit <number>", "end after so many (default: all)").argParser(parseCount));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(count)) throw new InvalidArgumentError("Give a whole number.");
  return count;
}

/** An empty variable is one that is not set. */
function parseUrlFlag(text: string): string {
  if (text === "") return text;
  const url = parseApiUrl(text);
  if (url === undefined) throw new InvalidArgumentError("Give http(s)://host[:port], without user name or query.");
  return url;
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= TIMEOUT_MAX_SECONDS)) {
    throw new InvalidArgumentError(`Seconds are more than 0 and at most ${TIMEOUT_MAX_SECONDS}.`);
  }
  return seconds;
}
