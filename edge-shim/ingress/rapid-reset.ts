/**
 * Requests over HTTP/2 that are reset in the packet in which they came (rapid reset, CVE-2023-44487). Node hands each one
 * over before it reads the next frame, and counts resets per read: hundreds would have gone to the worker, each on a
 * connection that ends with it, before their client is thrown out. Measured: twenty such clients kept everybody else
 * waiting for ten seconds and longer.
 */
import { isGone } from "../forwarding/forward.ts";
import type { HttpRequest, HttpResponse } from "../forwarding/messages.ts";

/** Calls `serve` now, or over HTTP/2 when everything that came with the request is read, unless it was reset by then. */
export function serveUnlessReset(request: HttpRequest, response: HttpResponse, serve: () => void): void {
  if (!("stream" in response)) {
    serve();
    return;
  }
  // Nobody else listens yet.
  request.on("error", () => {});
  response.on("error", () => {});
  setImmediate(() => {
    if (!isGone(response)) serve();
  });
}
