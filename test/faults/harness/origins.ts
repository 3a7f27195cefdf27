/** Origins that take client certificates: one that answers, and others that keep everybody waiting. */
import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";

export interface OriginTls {
  /** PEM */
  cert: string;
  key: string;
  /** Of the CA that client certificates come from */
  ca: string;
}

/**
 * `answers`; `silent`: takes requests and never answers; `silent-http2`: the same over HTTP/2; `mute`: accepts TCP
 * connections and never says a word of TLS.
 */
export type OriginKind = "answers" | "silent" | "silent-http2" | "mute";

export interface Origin extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string;
  /** Connections that are open now */
  open(): number;
}

export async function startOrigin(kind: OriginKind, tls: OriginTls): Promise<Origin> {
  const sockets = new Set<Socket>();
  const server = createOrigin(kind, tls);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}

function createOrigin(kind: OriginKind, tls: OriginTls): Server {
  const options = { ...tls, requestCert: true, rejectUnauthorized: true };
  switch (kind) {
    case "answers":
      return createHttpsServer(options, (_request, response) => void response.end("answered"));
    case "silent":
      return createHttpsServer(options, () => {});
    case "silent-http2":
      return createSecureServer(options, () => {});
    case "mute":
      return createTcpServer();
  }
}
