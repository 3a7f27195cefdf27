/** Load generators that are installed on the machine: how they are called, and what they say. */
import { spawn } from "node:child_process";
import { findVersion } from "./foreground-server.ts";

export interface ToolLoad {
  url: string;
  connections: number;
  seconds: number;
  /** Sent as Host, and as SNI */
  hostname: string;
  /** Path of a file with a client certificate and its key, for `ab` */
  clientPem?: string;
}

export interface LoadTool {
  /** How Debian calls the package */
  debian: string;
  /** Undefined where it is not installed */
  find(): string | undefined;
  /** Requests a second. @throws Error when an answer was not 200 */
  measure(load: ToolLoad): Promise<number>;
}

/** More than there is time for; ab keeps a record for each */
const REQUESTS_MAX = 1_000_000;

export const ab: LoadTool = {
  debian: "apache2-utils",
  find: () => findVersion("ab", "-V", /ApacheBench, Version [\d.]+/),
  async measure({ url, connections, seconds, hostname, clientPem }) {
    const parameters = ["-q", "-k", "-c", `${connections}`, "-t", `${seconds}`, "-n", `${REQUESTS_MAX}`];
    const certificate = clientPem === undefined ? [] : ["-E", clientPem];
    const said = await runTool("ab", [...parameters, ...certificate, "-H", `Host: ${hostname}`, `${url}/`]);
    // The last requests are cut off when the time is over, and are counted as failed by their length.
    if (/Non-2xx responses/.test(said)) throw new Error(`ab had answers that were not 200: ${said}`);
    return findNumber(said, /Requests per second:\s+([\d.]+)/);
  },
};

export const h2load: LoadTool = {
  debian: "nghttp2-client",
  find: () => findVersion("h2load", "--version", /h2load nghttp2\/[\d.]+/),
  async measure({ url, connections, seconds, hostname }) {
    const { protocol, port, host } = new URL(url);
    const parameters = ["-c", `${connections}`, "-m", "1", "-t", "1", "-D", `${seconds}`];
    const isPlain = protocol === "http:";
    const target = isPlain ? ["--h1", `${url}/`] : [`--connect-to=${host}`, `https://${hostname}:${port}/`];
    const said = await runTool("h2load", [...parameters, ...target]);
    const isGood = !/[1-9]\d* [345]xx/.test(said) && findNumber(said, /(\d+) 2xx/) > 0;
    if (!isGood) throw new Error(`h2load had answers that were not 200, or none: ${said}`);
    return findNumber(said, /finished in [\d.]+m?s, ([\d.]+) req\/s/);
  },
};

function findNumber(said: string, pattern: RegExp): number {
  const number = Number(pattern.exec(said)?.[1]);
  if (Number.isNaN(number)) throw new Error(`${pattern} is not in what the load generator says: ${said}`);
  return number;
}

async function runTool(command: string, parameters: string[]): Promise<string> {
  const child = spawn(command, parameters, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said += chunk;
    });
  }
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject).once("close", resolve);
  const code = await promise;
  if (code !== 0) throw new Error(`${command} ended with exit code ${code}: ${said}`);
  return said;
}
