/**
 * An origin that asks for client certificates, and its twin without TLS: nginx where it is installed, else Node. It is
 * the same for all contenders, so it is to be cheap, and otherwise does not matter.
 */
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { findFreePort } from "../../cli/stack/ports.ts";
import { findNginxVersion, startNginx } from "./nginx.ts";
import { type Running, runAsChild } from "./run-as-child.ts";
import { type TlsParty, writeTlsFiles } from "./tls-files.ts";
import { CLIENT_PATH, SMALL_JSON } from "./worker-answers.ts";

export interface OriginInput {
  /** Empty */
  directory: string;
  tls: TlsParty;
}

export interface OriginOutput {
  port: number;
  plainPort: number;
  pids: number[];
  /** For the reader of the table */
  description: string;
}

const KEEP_ALIVE_TIMEOUT_MS = 75_000;

async function startNginxOrigin({ directory, tls }: OriginInput, version: string): Promise<Running<OriginOutput>> {
  const [port, plainPort] = [await findFreePort(), await findFreePort()];
  const files = writeTlsFiles(directory, tls);
  const answers = `
    default_type application/json;
    location / { return 200 '${SMALL_JSON}'; }
    location = ${CLIENT_PATH} { return 200 "$ssl_protocol $ssl_client_verify $ssl_client_s_dn"; }`;
  const http = `
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate ${files.cert};
    ssl_certificate_key ${files.key};
    ssl_client_certificate ${files.ca};
    ssl_verify_client on;
    ${answers}
  }
  server {
    listen 127.0.0.1:${plainPort};
    ${answers}
  }`;
  const nginx = await startNginx({ directory, http, port });
  return { output: { port, plainPort, pids: nginx.pids, description: version }, close: () => nginx.stop() };
}

async function startNodeOrigin({ tls }: OriginInput): Promise<Running<OriginOutput>> {
  const headers = { "content-type": "application/json" };
  const answer: RequestListener = ({ url, socket }, response) => {
    response.writeHead(200, headers).end(url === CLIENT_PATH ? describeClient(socket as TLSSocket) : SMALL_JSON);
  };
  const options = { keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS };
  const asksForCertificates = { requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" as const };
  const servers = [
    createHttpsServer({ ...options, ...tls, ...asksForCertificates }, answer),
    createHttpServer(options, answer),
  ];
  const [port = 0, plainPort = 0] = await Promise.all(servers.map(listen));
  return { output: { port, plainPort, pids: [process.pid], description: `node:https ${process.version}` } };
}

/** As nginx says it */
function describeClient(socket: TLSSocket): string {
  const verdict = socket.authorized ? "SUCCESS" : "FAILED";
  return `${socket.getProtocol()} ${verdict} ${socket.getPeerX509Certificate()?.subject}`;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

runAsChild<OriginInput, OriginOutput>((input) => {
  const version = findNginxVersion();
  return version === undefined ? startNodeOrigin(input) : startNginxOrigin(input, version);
});
