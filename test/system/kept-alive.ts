/** Requests over connections that stay open: what a busy client of an API does. */
import { Agent, request } from "node:https";
import type { SecureContextOptions } from "node:tls";

export interface KeptAliveAnswer {
  status: number;
  body: string;
  /** The request went over a connection that an earlier one had opened */
  reused: boolean;
}

export interface KeptAliveClient extends Disposable {
  /** @throws the system's error when no answer came */
  get(path: string): Promise<KeptAliveAnswer>;
}

export interface KeptAliveOptions extends Pick<SecureContextOptions, "ca" | "cert" | "key"> {
  /** The server's certificate is not what a test is about */
  isTrusting?: boolean;
  /** `https://localhost:8443` */
  edge: string;
  /** SNI and Host; default: the one in `edge` */
  hostname?: string;
  connections?: number;
}

export function createKeptAliveClient({
  edge,
  hostname,
  connections = 1,
  isTrusting,
  ...tls
}: KeptAliveOptions): KeptAliveClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { port, hostname: edgeHostname } = new URL(edge);
  const name = hostname ?? edgeHostname;
  return {
    get(path) {
      const { promise, resolve, reject } = Promise.withResolvers<KeptAliveAnswer>();
      const headers = { host: `${name}:${port}` };
      const target = { host: "127.0.0.1", port, path, servername: name, headers };
      const sent = request({ agent, ...target, ...tls, rejectUnauthorized: isTrusting !== true });
      sent.on("error", reject);
      sent.on("response", (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body, reused: sent.reusedSocket }));
      });
      sent.end();
      return promise;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
