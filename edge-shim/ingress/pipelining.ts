/**
 * Requests that a client sends without waiting for answers (RFC 9112, section 9.3.2). Node hands all of them over at
 * once; we take one after the other, because after an answer that closes the connection nothing more may be processed
 * (RFC 9112, section 9.6), and because one packet must not become hundreds of requests at the worker.
 */
import type { HttpRequest, HttpResponse } from "../forwarding/messages.ts";
import type { IngressConnection } from "./connection.ts";

/** Requests of one connection that wait for those before them; who sends more is cut off. */
const WAITING_MAX = 100;

/** Calls `serve` now or, for a request that others are before, when they are answered; never if that closed the connection. */
export function serveInTurn(
  connection: IngressConnection,
  request: HttpRequest,
  response: HttpResponse,
  serve: () => void,
): void {
  // Node gives a response its socket when those before it are finished.
  if ("stream" in response || response.socket !== null) {
    serve();
    return;
  }
  connection.waitingRequests += 1;
  if (connection.waitingRequests > WAITING_MAX) {
    request.socket.destroy();
    return;
  }
  response.once("socket", () => {
    connection.waitingRequests -= 1;
    serve();
  });
}
