/** WebSocket clients of the edge: undici's, over a dispatcher that dials the edge. */
import { once } from "node:events";
import { Agent, type buildConnector, type CloseEvent, type MessageEvent, WebSocket } from "undici";
import { type AskOptions, connectTls } from "./client.ts";
import { HOST, type TestEdge } from "./edge.ts";
import { echoWebSocket } from "./websocket-server.ts";

export interface TestWebSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<CloseEvent>;
  /** Sends a message and gives the next one that comes. */
  echo<Message extends string | ArrayBuffer>(message: Message): Promise<Message>;
}

export interface WebSocketOptions extends Pick<AskOptions, "hostname" | "identity" | "path"> {
  protocols?: string[];
}

/** A WebSocket that is open. The upstream echoes, unless the test gave it another {@link Upstream.onUpgrade}. */
export async function openWebSocket(edge: TestEdge, options: WebSocketOptions): Promise<TestWebSocket> {
  edge.upstream.onUpgrade ??= echoWebSocket;
  const opened = createWebSocket(edge, options);
  await once(opened.socket, "open");
  return opened;
}

/** The same before it is open, for the ones that will not be. */
export function createWebSocket(edge: TestEdge, options: WebSocketOptions): TestWebSocket {
  const { hostname = HOST, path = "/", protocols = [] } = options;
  const dispatcher = new Agent({ connect: (_, callback) => void dial(edge, options, callback) });
  const socket = new WebSocket(`wss://${hostname}:${edge.port}${path}`, { protocols, dispatcher });
  socket.binaryType = "arraybuffer";
  socket.addEventListener("error", () => {});
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.addEventListener("close", (event) => {
      resolve(event);
      void dispatcher.destroy();
    });
  });
  return {
    socket,
    closed,
    async echo(message) {
      const answered = new Promise<MessageEvent>((resolve) =>
        socket.addEventListener("message", resolve, { once: true }),
      );
      socket.send(message);
      return (await answered).data;
    },
  };
}

/** Every host name of these tests is at the edge; `connect` as an object would look it up. */
function dial(edge: TestEdge, options: WebSocketOptions, callback: buildConnector.Callback): void {
  connectTls(edge, { ...options, tls: { ALPNProtocols: ["http/1.1"] } }).then(
    (socket) => callback(null, socket),
    (error: Error) => callback(error, null),
  );
}
