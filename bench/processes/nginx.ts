/** nginx as a part of a benchmark: in the foreground, all its files in a directory of ours, access log off. */
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readChildPids } from "./child-pids.ts";

export interface Nginx {
  /** The master and its workers; only the master where the system does not tell */
  pids: number[];
  stop(): Promise<void>;
}

export interface NginxOptions {
  /** Empty, and removed by whoever made it */
  directory: string;
  /** What stands in the `http` block */
  http: string;
  /** Where one of its servers listens: it is ready when it answers there */
  port: number;
}

/** Debian puts it where only root looks. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin` };
const START_TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 20;

/** `nginx/1.22.1`; undefined where there is none. */
export function findNginxVersion(): string | undefined {
  const { status, stderr } = spawnSync("nginx", ["-v"], { env: ENVIRONMENT, encoding: "utf8" });
  return status === 0 ? /nginx\/[\d.]+/.exec(stderr)?.[0] : undefined;
}

/** @throws Error when it does not come up; nginx itself says why, on standard error */
export async function startNginx({ directory, http, port }: NginxOptions): Promise<Nginx> {
  const configuration = join(directory, "nginx.conf");
  writeFileSync(configuration, describe(directory, http));
  const arguments_ = ["-p", directory, "-c", configuration, "-e", "stderr"];
  const child = spawn("nginx", arguments_, { env: ENVIRONMENT, stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("error", () => resolve()).once("exit", () => resolve()));
  const hasEnded = ended.then(() => true);
  for (const deadline = performance.now() + START_TIMEOUT_MS; !(await answers(port)); ) {
    const isLost = await Promise.race([hasEnded, delay(LOOK_AGAIN_MS, performance.now() > deadline)]);
    if (!isLost) continue;
    child.kill("SIGKILL");
    throw new Error(`nginx does not listen on port ${port}`);
  }
  const master = child.pid ?? 0;
  return {
    pids: [master, ...readChildPids(master)],
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Connections are kept for as long as a run takes: its limit of 1,000 requests would put handshakes into the numbers. */
function describe(directory: string, http: string): string {
  // Else its workers become another user, who may not enter the directory.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
${user}
worker_processes auto;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  keepalive_requests 1000000000;
  ${http}
}
`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
