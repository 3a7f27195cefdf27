/**
 * An upstream that records what it was sent twice over: what Node's HTTP parser made of it, and the bytes themselves, which
 * pass through a socket in front of it. It answers with nothing that comes from a request.
 */
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface ParsedRequest {
  method: string;
  target: string;
  rawHeaders: string[];
  body: Buffer;
  /** False while the body is arriving, and when the connection broke before its end */
  isComplete: boolean;
}

export interface RecordingUpstream extends AsyncDisposable {
  readonly url: string;
  /** In order of arrival, of all connections */
  readonly requests: ParsedRequest[];
  /** Answer as soon as the headers are there, or after the body */
  answersAtOnce: boolean;
  /** Each connection's bytes, and what the HTTP server made of them */
  readonly connections: readonly RecordedConnection[];
  /** Requests whose end has not come, one way or the other */
  readonly openCount: number;
}

export interface RecordedConnection {
  bytes(): Buffer;
  readonly requests: ParsedRequest[];
}

export async function startRecordingUpstream(): Promise<RecordingUpstream> {
  const requests: ParsedRequest[] = [];
  const connections: RecordedConnection[] = [];
  const byPort = new Map<number, ParsedRequest[]>();
  const open = new Set<{ parsed: ParsedRequest; socket: Socket }>();
  const http = createHttpServer({ maxHeaderSize: 256 * 1024, keepAliveTimeout: 0 }, (request, response) => {
    const { socket } = request;
    const parsed = record(request);
    requests.push(parsed);
    byPort.get(socket.remotePort as number)?.push(parsed);
    const entry = { parsed, socket };
    open.add(entry);
    response.writeHead(200, { "content-length": 0 });
    // A whole answer, which Node does not know to be one: it would throw away the rest of the request.
    if (upstream.answersAtOnce) response.flushHeaders();
    request.on("end", () => {
      parsed.isComplete = true;
      open.delete(entry);
      response.end();
    });
  });
  const httpPort = await listen(http);
  const front = createServer((client) => {
    const chunks: Buffer[] = [];
    const parsed: ParsedRequest[] = [];
    connections.push({ bytes: () => Buffer.concat(chunks), requests: parsed });
    const server = connect(httpPort, "127.0.0.1", () => {
      byPort.set(server.localPort as number, parsed);
      client.on("data", (chunk: Buffer) => chunks.push(chunk));
      join(client, server);
    });
    server.on("error", () => client.destroy());
  });
  const upstream: RecordingUpstream = {
    url: `http://127.0.0.1:${await listen(front)}`,
    ...{ requests, connections, answersAtOnce: false },
    get openCount() {
      return [...open].filter(({ socket }) => !socket.destroyed).length;
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      for (const server of [front, http]) server.close();
    },
  };
  return upstream;
}

function record(request: IncomingMessage): ParsedRequest {
  const { method = "", url: target = "", rawHeaders } = request;
  const parsed: ParsedRequest = { method, target, rawHeaders, body: Buffer.alloc(0), isComplete: false };
  request.on("data", (chunk: Buffer) => {
    parsed.body = Buffer.concat([parsed.body, chunk]);
  });
  request.on("error", () => {});
  return parsed;
}

function join(client: Socket, server: Socket): void {
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  client.on("close", () => server.destroy());
  server.on("close", () => client.destroy());
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
