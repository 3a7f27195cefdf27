/** One connection at a time over HTTP/1.1 or HTTP/2, one request on it at a time; an answer is whole, or an error. */
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";

export interface HttpClient {
  /** @throws Error when no whole answer came */
  get(path: string, headers: Record<string, string>): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpAnswer {
  status: number;
  retryAfter: string | undefined;
  body: string;
}

/** What a person with a client would wait */
const PATIENCE_MS = 5_000;

export interface Http1Options {
  /** False: a connection for each request */
  isKept: boolean;
  /** Called when the handshake of a connection is over */
  onHandshake?(socket: TLSSocket): void;
}

export function createHttp1Client(tls: ConnectionOptions, { isKept, onHandshake }: Http1Options): HttpClient {
  const agent = new Agent({ keepAlive: isKept, maxSockets: 1 });
  return {
    async get(path, headers) {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const request = httpsRequest({ ...tls, agent, path, headers, signal } as object);
      request.on("socket", (socket) => {
        if (onHandshake) socket.once("secureConnect", () => onHandshake(socket as TLSSocket));
      });
      request.end();
      const [response] = await once(request, "response");
      let body = "";
      for await (const chunk of response) body += chunk;
      if (!response.complete) throw new Error("aborted");
      return { status: response.statusCode, retryAfter: response.headers["retry-after"], body };
    },
    close: () => agent.destroy(),
  };
}

export function createHttp2Client(tls: ConnectionOptions): HttpClient {
  let session: ClientHttp2Session | undefined;

  function open(): ClientHttp2Session {
    const opened = connectHttp2(`https://${tls.servername}`, {
      createConnection: () => connectTls({ ...tls, ALPNProtocols: ["h2"] }),
    });
    opened.on("error", () => {});
    return opened;
  }

  return {
    async get(path, { host, ...headers }) {
      if (session === undefined || session.closed || session.destroyed) session = open();
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const stream = session.request({ ":path": path, ":authority": host, ...headers }, { signal });
      const ended = new Promise((resolve) => stream.once("close", resolve));
      const [answer] = await once(stream, "response");
      let body = "";
      for await (const chunk of stream) body += chunk;
      await ended;
      if (stream.rstCode !== 0) throw new Error("aborted");
      return { status: Number(answer[":status"]), retryAfter: answer["retry-after"], body };
    },
    close: () => session?.destroy(),
  };
}
