/** nginx as a part of a benchmark: in the foreground, all its files in a directory of ours, access log off. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ForegroundServer, findVersion, startForegroundServer } from "./foreground-server.ts";

export interface NginxOptions {
  /** Empty, and removed by whoever made it */
  directory: string;
  /** What stands in the `http` block */
  http: string;
  /** Where one of its servers listens: it is ready when it answers there */
  port: number;
  /** That each of its worker processes may have open; default 1,024 */
  connectionsMax?: number;
}

/** `nginx/1.22.1`; undefined where there is none. */
export function findNginxVersion(): string | undefined {
  return findVersion("nginx", "-v", /nginx\/[\d.]+/);
}

/** The master and its workers. @throws Error when it does not come up */
export function startNginx(options: NginxOptions): Promise<ForegroundServer> {
  const { directory, port } = options;
  const configuration = join(directory, "nginx.conf");
  writeFileSync(configuration, describe(options));
  return startForegroundServer("nginx", ["-p", directory, "-c", configuration, "-e", "stderr"], port);
}

/** Connections are kept for as long as a run takes: its limit of 1,000 requests would put handshakes into the numbers. */
function describe({ directory, http, connectionsMax = 1_024 }: NginxOptions): string {
  // Else its workers become another user, who may not enter the directory.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
${user}
worker_processes auto;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log warn;
events { worker_connections ${connectionsMax}; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  keepalive_requests 1000000000;
  ${http}
}
`;
}
