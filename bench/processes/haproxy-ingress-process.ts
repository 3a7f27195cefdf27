/** HAProxy where the edge stands: TLS with client certificates from clients, kept-alive plain HTTP to the worker. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../cli/stack/ports.ts";
import { startForegroundServer } from "./foreground-server.ts";
import {
  CLIENTS_MAX,
  type IngressInput,
  type IngressOutput,
  KEEP_ALIVE_SECONDS,
  UPSTREAM_CONNECTIONS_KEPT,
} from "./ingress.ts";
import { runAsChild } from "./run-as-child.ts";
import type { TlsParty } from "./tls-files.ts";
import { CLIENT_SUBJECT_HEADER, CLIENT_VERIFY_HEADER } from "./worker-answers.ts";

/** Without strict limits it starts where it may not open two files for each client: idle ones need one. */
function describe(port: number, { upstreamUrl, tls, directory }: IngressInput): string {
  const files = writeHaproxyFiles(directory, tls);
  return `
global
  nbthread ${availableParallelism()}
  maxconn ${CLIENTS_MAX}
  no strict-limits
  tune.ssl.cachesize 0
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
defaults
  mode http
  timeout connect 5s
  timeout client ${KEEP_ALIVE_SECONDS}s
  timeout server ${KEEP_ALIVE_SECONDS}s
  timeout http-keep-alive ${KEEP_ALIVE_SECONDS}s
frontend clients
  bind 127.0.0.1:${port} ssl crt ${files.server} ca-file ${files.ca} verify required alpn h2,http/1.1
  http-request set-header ${CLIENT_VERIFY_HEADER} SUCCESS if { ssl_c_used } { ssl_c_verify 0 }
  http-request set-header ${CLIENT_SUBJECT_HEADER} %[ssl_c_s_dn]
  default_backend worker
backend worker
  http-reuse always
  server worker ${new URL(upstreamUrl).host} pool-max-conn ${UPSTREAM_CONNECTIONS_KEPT}
`;
}

/** It wants certificate and key in one file. */
function writeHaproxyFiles(directory: string, { cert, key, ca }: TlsParty): { server: string; ca: string } {
  const paths = { server: join(directory, "server.pem"), ca: join(directory, "ca.pem") };
  writeFileSync(paths.server, `${cert}\n${key}`, { mode: 0o600 });
  writeFileSync(paths.ca, ca);
  return paths;
}

runAsChild<IngressInput, IngressOutput>(async (input) => {
  const port = await findFreePort();
  const configuration = join(input.directory, "haproxy.cfg");
  writeFileSync(configuration, describe(port, input));
  const { pids, stop } = await startForegroundServer("haproxy", ["-db", "-f", configuration], port);
  return { output: { port, pids }, close: stop };
});
