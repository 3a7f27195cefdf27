/** nginx where the edge stands: TLS with client certificates from clients, kept-alive plain HTTP to the worker. */
import { findFreePort } from "../../cli/stack/ports.ts";
import {
  CLIENTS_MAX,
  type IngressInput,
  type IngressOutput,
  KEEP_ALIVE_SECONDS,
  UPSTREAM_CONNECTIONS_KEPT,
} from "./ingress.ts";
import { startNginx } from "./nginx.ts";
import { runAsChild } from "./run-as-child.ts";
import { writeTlsFiles } from "./tls-files.ts";
import { CLIENT_SUBJECT_HEADER, CLIENT_VERIFY_HEADER } from "./worker-answers.ts";

/** Answers of 64 KiB have room in its buffers: it would write them to disk otherwise. */
function describe(port: number, { upstreamUrl, tls, directory }: IngressInput): string {
  const files = writeTlsFiles(directory, tls);
  return `
  keepalive_timeout ${KEEP_ALIVE_SECONDS}s;
  upstream worker {
    server ${new URL(upstreamUrl).host};
    keepalive ${UPSTREAM_CONNECTIONS_KEPT};
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    ssl_certificate ${files.cert};
    ssl_certificate_key ${files.key};
    ssl_client_certificate ${files.ca};
    ssl_verify_client on;
    location / {
      proxy_pass http://worker;
      proxy_http_version 1.1;
      proxy_buffers 8 16k;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header ${CLIENT_VERIFY_HEADER} $ssl_client_verify;
      proxy_set_header ${CLIENT_SUBJECT_HEADER} $ssl_client_s_dn;
    }
  }`;
}

runAsChild<IngressInput, IngressOutput>(async (input) => {
  const port = await findFreePort();
  const http = describe(port, input);
  const nginx = await startNginx({ directory: input.directory, http, port, connectionsMax: CLIENTS_MAX });
  return { output: { port, pids: nginx.pids }, close: () => nginx.stop() };
});
