/**
 * An origin that verifies client certificates, HTTP/1.1 or HTTP/2: records each handshake and each request with the
 * certificate that it came with, and answers by script. Without a script it answers with what it saw.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import type { TLSSocket, TlsOptions } from "node:tls";
import type { TestPki } from "./pki.ts";

export type Protocol = "HTTP/1.1" | "HTTP/2";
export const PROTOCOLS: readonly Protocol[] = ["HTTP/1.1", "HTTP/2"];

/** Under HTTP/2 Node's counterparts, which have the same methods for what is used of them here. */
export type OriginRequest = IncomingMessage;
export type OriginResponse = ServerResponse;

/** What the default script answers with, as JSON. */
export interface SeenRequest {
  method: string;
  path: string;
  protocol: string;
  /** Common name of the client's certificate */
  client: string;
  rawHeaders: string[];
  body: string;
}

export interface Origin extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string;
  readonly port: number;
  /** Common name of the client of each handshake, in order */
  readonly handshakes: string[];
  /** Requests so far, with the client's common name */
  readonly requests: { request: OriginRequest; client: string; socket: Socket }[];
  /** TLS connections that are open now */
  readonly connections: ReadonlySet<TLSSocket>;
  onRequest: (request: OriginRequest, response: OriginResponse) => unknown;
  onUpgrade: ((request: IncomingMessage, socket: Duplex, head: Buffer) => unknown) | undefined;
}

export interface OriginOptions {
  /** Default HTTP/1.1 */
  protocol?: Protocol;
  /** Beside HTTP/2, which is preferred */
  allowsHttp1?: boolean;
  tls?: TlsOptions;
}

export async function startOrigin(pki: TestPki, options: OriginOptions = {}): Promise<Origin> {
  const { protocol = "HTTP/1.1", allowsHttp1 = false, tls = {} } = options;
  const tlsOptions: TlsOptions = {
    cert: pki.server.chainPem,
    key: pki.server.keyPem,
    ca: pki.clientCa.certificatePem,
    requestCert: true,
    rejectUnauthorized: true,
    ...tls,
  };
  const server =
    protocol === "HTTP/2"
      ? createSecureServer({ ...tlsOptions, allowHTTP1: allowsHttp1 })
      : createServer({ ...tlsOptions, keepAliveTimeout: 60_000 });
  const sockets = new Set<Socket>();
  const connections = new Set<TLSSocket>();
  const origin: Omit<Origin, "url" | "port"> = {
    handshakes: [],
    requests: [],
    connections,
    onRequest: reflect,
    onUpgrade: undefined,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    origin.handshakes.push(clientOf(socket));
    connections.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => connections.delete(socket));
  });
  server.on("request", (request: OriginRequest, response: OriginResponse) => {
    request.on("error", () => {});
    response.on("error", () => {});
    origin.requests.push({ request, client: clientOf(request.socket), socket: request.socket });
    origin.onRequest(request, response);
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => {});
    origin.requests.push({ request, client: clientOf(request.socket), socket: request.socket });
    if (origin.onUpgrade) origin.onUpgrade(request, socket, head);
    else socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(origin, { port, url: `https://localhost:${port}` });
}

/** The certificate that the connection's handshake verified. */
function clientOf(socket: Socket): string {
  const subject = (socket as TLSSocket).getPeerX509Certificate?.()?.subject;
  return subject?.replace(/^CN=/, "") ?? "";
}

export async function reflect(request: OriginRequest, response: OriginResponse): Promise<void> {
  const body = await text(request).catch(() => undefined);
  if (body === undefined) return;
  const seen: SeenRequest = {
    method: request.method ?? "",
    path: request.url ?? "",
    protocol: request.httpVersion,
    client: clientOf(request.socket),
    rawHeaders: request.rawHeaders,
    body,
  };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(seen));
}
