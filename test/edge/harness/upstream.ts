/**
 * What stands behind the edge in these tests: a plain HTTP server that records each request as it came and answers by
 * script. Without a script it answers with what it saw, so that a test reads its own request back.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Room for an assertion with a whole chain in it */
const HEADERS_MAX_BYTES = 256 * 1024;

/** A request as the upstream saw it; also what the default handler answers with. */
export interface SeenRequest {
  method: string;
  url: string;
  rawHeaders: string[];
  headers: Record<string, string>;
  trailers: string[];
  body: string;
}

export interface Upstream {
  readonly url: string;
  /** In order of their arrival; complete only when the body was read */
  readonly requests: IncomingMessage[];
  /** TCP connections that are open now */
  readonly sockets: ReadonlySet<Socket>;
  /** Answers requests from now on */
  onRequest: RequestListener;
  /** Answers upgrades from now on; without one the upstream knows no upgrade and answers 426 */
  onUpgrade: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ maxHeaderSize: HEADERS_MAX_BYTES });
  const upstream: Upstream = {
    url: "",
    requests,
    sockets,
    onRequest: reflect,
    onUpgrade: undefined,
    close: () => closeServer(server, sockets),
  };
  server.on("request", (request, response) => {
    requests.push(request);
    request.on("error", () => {});
    upstream.onRequest(request, response);
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(request);
    socket.on("error", () => {});
    if (upstream.onUpgrade) upstream.onUpgrade(request, socket, head);
    else socket.end("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(upstream, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Answers with a {@link SeenRequest}. */
export async function reflect(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readText(request).catch(() => undefined);
  if (body === undefined) return;
  const seen: SeenRequest = {
    method: request.method ?? "",
    url: request.url ?? "",
    rawHeaders: request.rawHeaders,
    headers: request.headers as Record<string, string>,
    trailers: request.rawTrailers,
    body,
  };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(seen));
}

export async function readText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function closeServer(server: Server, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  server.close();
  if (server.listening) await once(server, "close");
}
