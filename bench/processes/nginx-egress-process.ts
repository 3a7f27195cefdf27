/** nginx where the egress stands: plain HTTP on loopback from the worker, TLS with a client certificate to the origin. */
import { findFreePort } from "../../cli/stack/ports.ts";
import { startNginx } from "./nginx.ts";
import { runAsChild } from "./run-as-child.ts";
import { type TlsParty, writeTlsFiles } from "./tls-files.ts";

export interface NginxEgressInput {
  /** Empty */
  directory: string;
  tls: TlsParty;
  origin: { hostname: string; port: number };
  /** Idle connections to the origin that each of its workers keeps */
  keptConnections: number;
}

export interface NginxEgressOutput {
  /** `http://127.0.0.1:port` */
  url: string;
  pids: number[];
}

function describe(port: number, { directory, tls, origin, keptConnections }: NginxEgressInput): string {
  const files = writeTlsFiles(directory, tls);
  return `
  upstream origin {
    server 127.0.0.1:${origin.port};
    keepalive ${keptConnections};
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass https://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host ${origin.hostname}:${origin.port};
      proxy_ssl_protocols TLSv1.2 TLSv1.3;
      proxy_ssl_certificate ${files.cert};
      proxy_ssl_certificate_key ${files.key};
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate ${files.ca};
      proxy_ssl_name ${origin.hostname};
      proxy_ssl_server_name on;
    }
  }`;
}

runAsChild<NginxEgressInput, NginxEgressOutput>(async (input) => {
  const port = await findFreePort();
  const nginx = await startNginx({ directory: input.directory, http: describe(port, input), port });
  return { output: { url: `http://127.0.0.1:${port}`, pids: nginx.pids }, close: () => nginx.stop() };
});
