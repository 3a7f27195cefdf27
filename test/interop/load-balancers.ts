/** haproxy and nginx as L4 load balancers: TLS passes through them, and the PROXY protocol says whose connection it is. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SERVER_ENVIRONMENT } from "./origins/installed.ts";
import { type Origin, startOrigin } from "./origins/origin.ts";

export interface LoadBalancer {
  name: string;
  start(edgePort: number): Promise<Origin>;
}

/** How often haproxy looks whether the edge is there */
export const CHECK_INTERVAL_MS = 2;

export const LOAD_BALANCERS: readonly LoadBalancer[] = [
  { name: "haproxy send-proxy", start: (port) => startHaproxy(port, "send-proxy") },
  { name: "haproxy send-proxy-v2", start: (port) => startHaproxy(port, "send-proxy-v2") },
  {
    name: "haproxy send-proxy-v2 with extensions",
    start: (port) => startHaproxy(port, "send-proxy-v2 proxy-v2-options crc32c,unique-id"),
  },
];

/** Version 1; nginx' stream module, which Debian has in a package of its own, `libnginx-mod-stream` */
export const NGINX: LoadBalancer = { name: "nginx proxy_protocol on", start: startNginx };

const STREAM_MODULE = findStreamModule();
export const hasNginxStream = STREAM_MODULE !== undefined;

/** `""` where it is built in; undefined where there is none */
function findStreamModule(): string | undefined {
  const { stderr } = spawnSync("nginx", ["-V"], { env: SERVER_ENVIRONMENT, encoding: "utf8" });
  if (/--with-stream(?: |$)/.test(stderr)) return "";
  const path = join(/--modules-path=(\S+)/.exec(stderr)?.[1] ?? "", "ngx_stream_module.so");
  return existsSync(path) ? path : undefined;
}

function startHaproxy(edgePort: number, sendProxy: string): Promise<Origin> {
  return startOrigin((directory, port) => ({
    command: "haproxy",
    parameters: ["-db", "-f", `${directory}/haproxy.cfg`],
    files: {
      "haproxy.cfg": `
global
  noreuseport
  maxconn 1000
defaults
  mode tcp
  timeout connect 30s
  timeout client 60s
  timeout server 60s
frontend edge
  bind 127.0.0.1:${port}
  unique-id-format %{+X}o%ci:%cp
  default_backend edge
backend edge
  server one 127.0.0.1:${edgePort} check inter ${CHECK_INTERVAL_MS} ${sendProxy}
`,
    },
  }));
}

function startNginx(edgePort: number): Promise<Origin> {
  return startOrigin((directory, port) => ({
    command: "nginx",
    parameters: ["-p", directory, "-c", `${directory}/nginx.conf`, "-e", "stderr"],
    files: {
      "nginx.conf": `
${STREAM_MODULE ? `load_module ${STREAM_MODULE};` : ""}
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
stream {
  server {
    listen 127.0.0.1:${port};
    proxy_pass 127.0.0.1:${edgePort};
    proxy_protocol on;
  }
}
`,
    },
  }));
}
