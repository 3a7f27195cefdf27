/** The servers that have to be on the machine, and what to say when they are not. */
import { spawnSync } from "node:child_process";

interface Server {
  /** Debian's, of the program and of the package that brings it */
  command: string;
  packageName: string;
  versionFlag: string;
}

export const SERVERS: readonly Server[] = [
  { command: "nginx", packageName: "nginx", versionFlag: "-v" },
  { command: "haproxy", packageName: "haproxy", versionFlag: "-v" },
  { command: "apache2", packageName: "apache2-bin", versionFlag: "-v" },
  { command: "openssl", packageName: "openssl", versionFlag: "version" },
];

/** Debian keeps servers where only root looks for programs. */
export const SERVER_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin`,
};

export function findMissing(): Server[] {
  return SERVERS.filter((server) => run(server).error !== undefined);
}

export function describeMissing(missing: readonly Server[]): string {
  const commands = missing.map(({ command }) => `"${command}"`).join(", ");
  const packages = missing.map(({ packageName }) => packageName).join(" ");
  return `${commands} not found, the interop tests start them: apt-get install --no-install-recommends ${packages}`;
}

/** `nginx/1.22.1`, `HAProxy version 2.6.12…`, `Apache/2.4.62`, `OpenSSL 3.0.16` */
export function versionOf(server: Server): string {
  const { stdout, stderr } = run(server);
  return /(?:nginx|Apache)\/[\d.]+|HAProxy version \S+|OpenSSL [\d.]+\w*/.exec(stdout + stderr)?.[0] ?? server.command;
}

function run({ command, versionFlag }: Server) {
  return spawnSync(command, [versionFlag], { env: SERVER_ENVIRONMENT, encoding: "utf8" });
}
