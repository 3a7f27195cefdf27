/**
 * HTTP/2 streams to origins, which undici 8.12 does not hand out, as Node tells of them on its diagnostics channels.
 * Needed because streams that end early pass for whole ones, in both directions:
 *
 * - An answer is whole when its END_STREAM flag came. A stream that the origin resets with NO_ERROR (which is what a
 *   Node server does that gives up) or CANCEL ends without an error in Node, and undici takes that for the answer's end.
 * - undici gives a request up by `close()`, in which Node first ends the body: half an upload would arrive as a whole one.
 */
import { subscribe } from "node:diagnostics_channel";
import type { ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";

class TruncatedStreamError extends Error {
  /** Whether the origin gave up one request, or all that were on the connection */
  readonly code: "EGRESS_STREAM_RESET" | "EGRESS_CONNECTION_CLOSED";

  constructor(resetCode: number | undefined, isConnectionOpen: boolean) {
    super(`the HTTP/2 stream was reset with code ${resetCode} before the end of the response`);
    this.name = "TruncatedStreamError";
    this.code = isConnectionOpen ? "EGRESS_STREAM_RESET" : "EGRESS_CONNECTION_CLOSED";
  }
}

/** NO_ERROR and CANCEL (RFC 9113, section 7): for every other code Node raises an error of its own. */
const SILENT_CODES: ReadonlySet<number | undefined> = new Set([0, 8]);

const watched = Symbol("connection of the egress");
let isSubscribed = false;
let receiver: ((stream: ClientHttp2Stream) => void) | undefined;

/** From now on answers on `socket` whose stream closes without END_STREAM fail. */
export function watchHttp2Streams(socket: Socket): void {
  Object.assign(socket, { [watched]: true });
  if (isSubscribed) return;
  isSubscribed = true;
  subscribe("http2.client.stream.created", (message) => {
    const { stream } = message as { stream: ClientHttp2Stream };
    if (isOurs(stream)) receiver?.(stream);
    receiver = undefined;
  });
  subscribe("http2.client.stream.close", (message) => checkClosed((message as { stream: ClientHttp2Stream }).stream));
}

/**
 * Hands over the stream that undici makes next. To be called when it starts a request: it makes the stream, if the
 * connection is an HTTP/2 one, before anything else can happen.
 */
export function receiveStream(onStream: (stream: ClientHttp2Stream) => void): void {
  receiver = onStream;
}

/** A session that is gone ends its streams with an error, and has no socket to ask any more. */
function isOurs({ session }: ClientHttp2Stream): boolean {
  if (session === undefined || session.destroyed) return false;
  return (session.socket as Socket & { [watched]?: boolean })[watched] === true;
}

function checkClosed(stream: ClientHttp2Stream & { _readableState?: { ended?: boolean } }): void {
  if (stream.destroyed || !SILENT_CODES.has(stream.rstCode) || !isOurs(stream)) return;
  if (stream._readableState?.ended === true) return;
  const isConnectionOpen = stream.session?.socket.destroyed === false;
  stream.destroy(new TruncatedStreamError(stream.rstCode, isConnectionOpen));
}
