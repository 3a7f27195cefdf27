/** Ports: free ones on loopback, and what it means when one cannot be had. */
import { createServer } from "node:net";
import { CliError } from "../output.ts";

/** @throws the system's error when `host` is not of this machine or `port` is in use */
export function findFreePort(host = "127.0.0.1", port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(port, host, () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}

/**
 * `port` if it can be had, or a free one for 0: asked before anything is started, so that a start that cannot work
 * fails at once.
 *
 * @throws CliError naming `flag`
 */
export async function reservePort(host: string, port: number, flag: string): Promise<number> {
  return findFreePort(host, port).catch((failure: unknown) => {
    throw explainListenFailure(failure, host, port, flag);
  });
}

/** `preferred` if it can be had, else a free one: for ports that nobody has asked for. */
export async function findPort(preferred: number): Promise<number> {
  return findFreePort("127.0.0.1", preferred).catch(() => findFreePort());
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
