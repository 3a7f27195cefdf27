/** Flags that several commands share, with their defaults and checks. */
import { InvalidArgumentError, Option } from "commander";
import { type IngressLimits, LIMIT_NAMES, type LimitName } from "../../edge-shim/ingress/limits.ts";
import { LOG_FORMATS, type LogFormat } from "../../edge-shim/log-format.ts";
import { parseHostname } from "../../src/contract/hostname.ts";

export interface StateFlags {
  stateDir: string;
  logFormat: LogFormat;
}

export interface EdgeFlags extends StateFlags, EgressFlags {
  /** Undefined where the command has one process and no choice */
  processes?: number;
  port: number;
  host: string;
  limit: Partial<IngressLimits>;
  /** Load balancers' networks; empty: clients connect by themselves, without a PROXY header */
  proxyProtocolFrom: string[];
  /** Where `/healthz`, `/readyz` and `/metrics` listen */
  metricsHost: string;
  /** Undefined: no listener for `/healthz` and `/readyz` */
  metricsPort?: number;
}

export interface EgressFlags {
  /** Undefined: the one of the last start if it is free, else any free one */
  egressPort?: number;
  /** Networks that are loopback or link-local and may be origins all the same */
  egressAllow: string[];
}

export interface OriginFlags {
  /** Undefined: 8445 if it is free, else any free one */
  originPort?: number;
  /** Whether the demo's origin runs */
  origin: boolean;
}

export interface DeploymentFlags {
  account: string;
  project: string;
  environment: string;
}

export interface ControlFlags {
  controlPort: number;
  managedDomainBase: string;
  dnsServer: string[];
}

/** Used in host names, so only what a DNS label takes */
const NAME = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const PORT_MAX = 65_535;

export function stateOptions(): Option[] {
  return [
    new Option("--state-dir <dir>", "certificates, keys, database and credentials").default(".sallyport"),
    new Option("--log-format <format>", "one event a line on standard error")
      .choices(LOG_FORMATS)
      .default(process.stderr.isTTY ? "pretty" : "json", "pretty on a terminal, else json"),
  ];
}

const PROCESSES_MAX = 128;

/** Only for commands that are made for load */
export function processesOption(): Option {
  return new Option("--processes <count>", "edge processes that share the port, each with its own limits and numbers")
    .default(1)
    .argParser(parseProcesses);
}

/** @param metricsPort where `/healthz` and `/readyz` are unless told otherwise; undefined for nowhere */
export function edgeOptions(metricsPort?: number): Option[] {
  return [
    new Option("--port <port>", "the edge's TLS port, 0 picks a free one").default(8443).argParser(parsePort),
    new Option("--host <address>", "the address that the edge listens on").default("127.0.0.1"),
    proxyProtocolOption(),
    ...metricsOptions(metricsPort),
    new Option(
      "--egress-port <port>",
      "where workers send requests that present a certificate, on loopback (default: a free one, kept over restarts; " +
        "serve: none, its worker has a unix socket)",
    ).argParser(parsePort),
    new Option(
      "--egress-allow <network...>",
      "loopback or link-local networks that may be origins, 127.0.0.0/8",
    ).default([], "none"),
    new Option("--limit <name=value>", `what clients may use, one of ${LIMIT_NAMES.join(", ")}; repeat it for several`)
      .default({}, "those in SECURITY.md")
      .argParser(parseLimit),
    ...stateOptions(),
  ];
}

function proxyProtocolOption(): Option {
  return new Option(
    "--proxy-protocol-from <network...>",
    "load balancers, 10.0.0.0/8: only they may connect, and each connection must begin with a PROXY header (v1 or v2) " +
      "that names its client",
  )
    .default([], "off")
    .conflicts("once");
}

function metricsOptions(port: number | undefined): Option[] {
  const portOption = new Option("--metrics-port <port>", "/healthz, /readyz and /metrics").argParser(parsePort);
  return [
    port === undefined ? portOption.default(undefined, "off") : portOption.default(port),
    new Option(
      "--metrics-host <address>",
      "the address of --metrics-port; whoever reaches it reads the names of accounts, routes and certificates",
    ).default("127.0.0.1"),
  ];
}

export function deploymentOptions(): Option[] {
  return [
    new Option("--account <name>", "the account this gateway belongs to").default("local").argParser(parseName),
    new Option("--project <name>", "the project this gateway serves").default("example").argParser(parseName),
    new Option("--environment <name>", "the environment this gateway serves")
      .default("development")
      .argParser(parseName),
  ];
}

export function controlOptions(): Option[] {
  return [
    new Option("--control-port <port>", "the control plane's port, 0 picks a free one")
      .default(8444)
      .argParser(parsePort),
    new Option("--managed-domain-base <host>", "projects are <project>.<account>.<host>")
      .default("localhost")
      .argParser(parseBase),
    new Option("--dns-server <address...>", "where TXT records of custom domains are looked up").default(
      [],
      "this machine's resolvers",
    ),
  ];
}

export function originOptions(): Option[] {
  return [
    new Option(
      "--origin-port <port>",
      "the port of the demo's origin (default: 8445, or a free one where that is in use)",
    ).argParser(parsePort),
    new Option(
      "--no-origin",
      "do not start the demo's origin, a stand-in for an ALB that verifies client certificates",
    ),
  ];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > PORT_MAX) throw new InvalidArgumentError(`A port is 0 to ${PORT_MAX}.`);
  return port;
}

function parseProcesses(text: string): number {
  const count = Number(text);
  if (!/^[1-9]\d*$/.test(text) || count > PROCESSES_MAX) {
    throw new InvalidArgumentError(`A number of processes is 1 to ${PROCESSES_MAX}.`);
  }
  return count;
}

function parseLimit(text: string, limits: Partial<IngressLimits>): Partial<IngressLimits> {
  const [name = "", value = ""] = text.split("=");
  if (!LIMIT_NAMES.includes(name as LimitName)) throw new InvalidArgumentError(`There are ${LIMIT_NAMES.join(", ")}.`);
  if (!/^[1-9]\d{0,11}$/.test(value))
    throw new InvalidArgumentError("A whole number above 0, as bodyMaxBytes=1048576.");
  return { ...limits, [name]: Number(value) };
}

function parseName(text: string): string {
  if (NAME.test(text)) return text;
  throw new InvalidArgumentError(
    "A name begins with a letter and has lower-case letters, digits, inner dashes: 40 at most.",
  );
}

function parseBase(text: string): string {
  if (parseHostname(text) === text) return text;
  throw new InvalidArgumentError("A host name in lower case is expected.");
}
