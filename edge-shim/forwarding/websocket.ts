/** The HTTP/1.1 upgrade of a WebSocket request between two hops: answered like any request until the next hop says 101. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** A WebSocket request: its socket, and the bytes of the first frames that came with the request */
export interface UpgradeSocket {
  socket: Duplex;
  head: Buffer;
}

/** An Upgrade to anything else (h2c, say) is ignored, as RFC 9110, section 7.8, allows. */
export function isWebSocketRequest(request: IncomingMessage): boolean {
  return request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket";
}

/** Node hands an upgrade over as a bare socket: this answers on it, and ends it after an answer other than 101. */
export function createUpgradeResponse(request: IncomingMessage, socket: Duplex): ServerResponse {
  socket.on("error", () => socket.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as never);
  response.on("finish", () => socket.end());
  // Node has taken its own listener off: without this an answer that is longer than the socket's buffer stops there.
  socket.on("drain", () => response.emit("drain"));
  return response;
}

/** Tells the client that the next hop agreed, with that hop's `headers` (name, value, …). From then on bytes are frames. */
export function acceptUpgrade(
  response: Pick<ServerResponse, "detachSocket">,
  { socket, head }: UpgradeSocket,
  headers: readonly string[],
  upstreamSocket: Duplex,
): void {
  response.detachSocket(socket as never);
  const lines = ["HTTP/1.1 101 Switching Protocols", "connection: Upgrade", "upgrade: websocket"];
  for (let index = 0; index + 1 < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (head.length > 0) upstreamSocket.write(head);
}

/** The response that Node is writing to an HTTP/1.1 socket, or has yet to write; others may be waiting behind it. */
export function findUnfinishedAnswer(socket: Duplex): ServerResponse | undefined {
  return (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
