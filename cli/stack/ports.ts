/** Ports: free ones on loopback, and what it means when one cannot be had. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { CliError } from "../output.ts";

/**
 * Below those that Linux (from 32768), macOS and Windows (from 49152) choose from for others: between the moment that a
 * port is found and the moment that it is used nobody gets it by chance.
 */
const FREE_PORTS = { from: 20_000, to: 32_767 };
const ATTEMPTS = 20;

/** A port of `host` that nobody uses now, to be used in a moment. @throws the system's error when there is none */
export async function findFreePort(host = "127.0.0.1"): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = randomInt(FREE_PORTS.from, FREE_PORTS.to + 1);
    try {
      await expectFree(host, port);
      return port;
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempt === ATTEMPTS) throw failure;
    }
  }
}

/** @throws the system's error when `host` is not of this machine or `port` is in use */
function expectFree(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/**
 * `port` if it can be had, or a free one for 0: asked before anything is started, so that a start that cannot work
 * fails at once.
 *
 * @throws CliError naming `flag`
 */
export async function reservePort(host: string, port: number, flag: string): Promise<number> {
  try {
    if (port === 0) return await findFreePort(host);
    await expectFree(host, port);
    return port;
  } catch (failure) {
    throw explainListenFailure(failure, host, port, flag);
  }
}

/** `preferred` if there is one that can be had, else a free one: for ports that nobody has asked for. */
export async function findPort(preferred: number | undefined): Promise<number> {
  if (preferred === undefined) return findFreePort();
  return expectFree("127.0.0.1", preferred).then(
    () => preferred,
    () => findFreePort(),
  );
}

export function explainListenFailure(failure: unknown, host: string, port: number, flag: string): unknown {
  const address = `${host}:${port}`;
  switch ((failure as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return new CliError(`"${address}" is in use`, `choose another port with ${flag}, 0 picks a free one`);
    case "EACCES":
      return new CliError(`"${address}" may not be used`, `choose a port above 1023 with ${flag}`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new CliError(
        `"${host}" is not an address of this machine`,
        `choose another one with ${flag === "--metrics-port" ? "--metrics-host" : "--host"}`,
      );
    default:
      return failure;
  }
}
