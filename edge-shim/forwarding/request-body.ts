/**
 * The client's body on its way to the worker: counted, and kept apart from the client's connection, because undici
 * destroys a body that the worker did not read to its end, and destroying an IncomingMessage kills the connection that
 * the answer still has to go out on.
 */
import { Transform, type TransformCallback } from "node:stream";
import type { HttpRequest } from "./messages.ts";

export class BodyTooLargeError extends Error {
  readonly code = "BODY_TOO_LARGE";

  constructor(limitBytes: number) {
    super(`the request body is larger than ${limitBytes} bytes`);
    this.name = "BodyTooLargeError";
  }
}

class CountedBody extends Transform {
  #remainingBytes: number;
  readonly #limitBytes: number;

  constructor(limitBytes: number) {
    super();
    this.#limitBytes = limitBytes;
    this.#remainingBytes = limitBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#remainingBytes -= chunk.length;
    if (this.#remainingBytes < 0) callback(new BodyTooLargeError(this.#limitBytes));
    else callback(null, chunk);
  }
}

/** Undefined for a request without a body. */
export function readBody(request: HttpRequest, limitBytes: number): Transform | undefined {
  if (!hasBody(request)) return undefined;
  const body = new CountedBody(limitBytes);
  // Until undici has taken it, and when undici refuses it, nobody else listens: a client that leaves then is no crash.
  body.on("error", () => {});
  request.on("error", (error) => body.destroy(error));
  request.on("aborted", () => body.destroy(new Error("the client left before its body was complete")));
  // What the worker does not want is read and dropped, so that the next request on this connection is found.
  body.on("close", () => {
    request.unpipe(body);
    request.resume();
  });
  return request.pipe(body);
}

export function hasBody(request: HttpRequest): boolean {
  if ("stream" in request) return !request.stream.endAfterHeaders;
  const { "transfer-encoding": encoding, "content-length": length } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== "0");
}
