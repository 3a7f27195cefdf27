/**
 * HTTP/2 streams to origins, which undici 8.12 does not hand out, as Node tells of them on its diagnostics channels.
 * Needed because streams that end early pass for whole ones, in both directions:
 *
 * - An answer is whole when its END_STREAM flag came. A stream that the origin resets with NO_ERROR (which is what a
 *   Node server does that gives up) or CANCEL ends without an error in Node, and undici takes that for the answer's end.
 * - undici gives a request up by `close()`, in which Node first ends the body: half an upload would arrive as a whole one.
 */
import { subscribe } from "node:diagnostics_channel";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
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
/** By session: the last stream that the origin may have looked at, once it has said GOAWAY */
const lastProcessed = new WeakMap<ClientHttp2Session, number>();
let isSubscribed = false;
let receiver: ((stream: ClientHttp2Stream) => void) | undefined;

/** From now on answers on `socket` whose stream closes without END_STREAM fail. */
export function watchHttp2Streams(socket: Socket): void {
  Object.assign(socket, { [watched]: true });
  if (isSubscribed) return;
  isSubscribed = true;
  subscribe("http2.client.stream.created", (message) => {
    const { stream } = message as { stream: ClientHttp2Stream };
    if (isOurs(stream)) {
      watchGoaway(stream.session as ClientHttp2Session);
      receiver?.(stream);
    }
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

/**
 * RFC 9113, sections 6.8 and 8.7: the origin has said that it did nothing with the request on `stream`, which may be
 * sent again whatever its method is. undici does so itself for requests without a body.
 */
export function isUnprocessed(session: ClientHttp2Session, stream: ClientHttp2Stream): boolean {
  const last = lastProcessed.get(session) ?? Number.POSITIVE_INFINITY;
  return last !== Number.POSITIVE_INFINITY && (stream.id === undefined || stream.id > last);
}

function watchGoaway(session: ClientHttp2Session): void {
  if (lastProcessed.has(session)) return;
  lastProcessed.set(session, Number.POSITIVE_INFINITY);
  // Before undici, which gives up the requests in its own listener.
  session.prependListener("goaway", (_code, lastStreamId) => {
    lastProcessed.set(session, Math.min(lastStreamId, lastProcessed.get(session) ?? lastStreamId));
  });
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
