/** Flags that several commands share, with their defaults and checks. */
import { InvalidArgumentError, Option } from "commander";
import { LOG_FORMATS, type LogFormat } from "../../edge-shim/log.ts";

export interface EdgeFlags {
  port: number;
  host: string;
  stateDir: string;
  account: string;
  project: string;
  environment: string;
  logFormat: LogFormat;
}

/** Used in host names, so only what a DNS label takes */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PORT_MAX = 65_535;

export function edgeOptions(): Option[] {
  return [
    new Option("--port <port>", "the edge's TLS port, 0 picks a free one").default(8443).argParser(parsePort),
    new Option("--host <address>", "the address that the edge listens on").default("127.0.0.1"),
    new Option("--state-dir <dir>", "PKI, keys and credentials").default(".sallyport"),
    new Option("--account <name>", "the account this gateway belongs to").default("local").argParser(parseName),
    new Option("--project <name>", "the project this gateway serves").default("example").argParser(parseName),
    new Option("--environment <name>", "the environment this gateway serves")
      .default("development")
      .argParser(parseName),
    new Option("--log-format <format>", "one event a line on standard error")
      .choices(LOG_FORMATS)
      .default(process.stderr.isTTY ? "pretty" : "json", "pretty on a terminal, else json"),
  ];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > PORT_MAX) throw new InvalidArgumentError(`A port is 0 to ${PORT_MAX}.`);
  return port;
}

function parseName(text: string): string {
  if (!NAME.test(text)) {
    throw new InvalidArgumentError("A name has lower-case letters, digits and inner dashes, 63 at most.");
  }
  return text;
}
