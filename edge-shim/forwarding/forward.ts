/**
 * One request to the next hop (the worker for the ingress, an origin for the egress) and its answer back, streamed both
 * ways with back-pressure. When either side leaves, the other is told. Whatever goes wrong before the answer began is
 * reported to `onFailure`; after that all that can be done is to cut the connection, so that nobody takes half an answer
 * for a whole one.
 */
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Duplex, Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { type HttpResponse, readResponseHeaders } from "./messages.ts";

export interface ForwardedRequest {
  method: string;
  path: string;
  /** Name, value, name, value …: sanitised, with our own */
  headers: string[];
  body: Readable | AsyncIterable<Uint8Array> | undefined;
  response: HttpResponse;
  /** Milliseconds in which a receiver takes nothing of an answer that waits for it, before it is cut off */
  sendTimeoutMs?: number;
  /**
   * Called when a connection is at hand and nothing of the request was written. What it throws is the failure, and an
   * iterable body was not touched then.
   */
  onStart?(): void;
  /** Of a response header, by its lower-case name: is it not passed on? Those of one connection never are. */
  dropsHeader?(name: string, value: string): boolean;
  /** No answer came */
  onFailure(error: Error): void;
  /** Given for a WebSocket request: takes over when the answer was 101 */
  onUpgrade?(headers: string[], upstreamSocket: Duplex): void;
}

const EARLY_HINTS = 103;

export function forward(upstream: Dispatcher, request: ForwardedRequest): void {
  const { response } = request;
  let controller: Dispatcher.DispatchController | undefined;
  let isFinished = false;
  let stalled: NodeJS.Timeout | undefined;
  if (isGone(response)) return;
  const onClose = () => {
    clearTimeout(stalled);
    if (!isFinished) controller?.abort(new Error("the client closed the connection"));
  };
  const onDrain = () => {
    clearTimeout(stalled);
    controller?.resume();
  };
  response.on("close", onClose);
  response.on("drain", onDrain);

  upstream.dispatch(
    {
      method: request.method as Dispatcher.HttpMethod,
      path: request.path,
      headers: request.headers,
      body: (request.body as Readable | undefined) ?? null,
      ...(request.onUpgrade ? { upgrade: "websocket" } : {}),
    },
    {
      onRequestStart(started) {
        controller = started;
        if (isGone(response)) started.abort(new Error("the client closed the connection"));
        else request.onStart?.();
      },
      onRequestUpgrade(started, _status, _headers, socket) {
        isFinished = true;
        request.onUpgrade?.(responseHeaders(request, started), socket);
      },
      onResponseStart(started, status, _headers, statusMessage) {
        if (status < 200) writeInformation(response, status, responseHeaders(request, started));
        else writeHead(response, status, statusMessage, responseHeaders(request, started));
      },
      onResponseData(started, chunk) {
        if ((response as ServerResponse).write(chunk)) return;
        started.pause();
        if (request.sendTimeoutMs !== undefined) {
          clearTimeout(stalled);
          stalled = setTimeout(() => response.destroy(), request.sendTimeoutMs).unref();
        }
      },
      onResponseEnd(started, trailers) {
        isFinished = true;
        if (Object.keys(trailers).length > 0) response.addTrailers(responseTrailers(request, started));
        response.end();
      },
      onResponseError(_started, error) {
        isFinished = true;
        if (request.body !== undefined && "destroy" in request.body) request.body.destroy();
        if (response.headersSent) {
          response.destroy(error);
          return;
        }
        // It may be forwarded again.
        response.off("close", onClose);
        response.off("drain", onDrain);
        reportFailure(request, error);
      },
    },
  );
}

/** The client left. Node's HTTP/2 response has no `destroyed` of its own. */
export function isGone(response: HttpResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.destroyed;
}

/** Called by undici, which drops what a handler throws: without an answer the client would wait for ever. */
function reportFailure({ response, onFailure }: ForwardedRequest, error: Error): void {
  try {
    onFailure(error);
  } catch (cause) {
    response.destroy(cause as Error);
  }
}

function responseHeaders({ dropsHeader }: ForwardedRequest, controller: Dispatcher.DispatchController): string[] {
  return readResponseHeaders((controller.rawHeaders as Buffer[] | null | undefined) ?? [], dropsHeader);
}

/** The same names are left out as of headers: a receiver may merge the two. */
function responseTrailers(
  { dropsHeader }: ForwardedRequest,
  controller: Dispatcher.DispatchController,
): Record<string, string | string[]> {
  return groupHeaders(readResponseHeaders((controller.rawTrailers as Buffer[] | undefined) ?? [], dropsHeader));
}

function writeHead(response: HttpResponse, status: number, statusMessage: string | undefined, headers: string[]): void {
  if ("stream" in response) (response as Http2ServerResponse).writeHead(status, groupHeaders(headers));
  else (response as ServerResponse).writeHead(status, asReasonPhrase(statusMessage), headers);
}

const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A reason phrase means nothing (RFC 9112, section 4): rather the usual one than an answer that Node will not write. */
function asReasonPhrase(statusMessage: string | undefined): string | undefined {
  return statusMessage !== undefined && REASON_PHRASE.test(statusMessage) ? statusMessage : undefined;
}

/** Several links may come in one line; Node takes them one by one. */
const LINK_SEPARATOR = /,\s*(?=<)/;

/** Only early hints mean something to a client behind us; 100 was answered by the edge, 102 is a keep-alive. */
function writeInformation(response: HttpResponse, status: number, headers: string[]): void {
  if (status !== EARLY_HINTS) return;
  const { link, ...others } = groupHeaders(headers);
  if (link === undefined) return;
  const links = [link].flat().flatMap((line) => line.split(LINK_SEPARATOR));
  try {
    (response as ServerResponse).writeEarlyHints({ ...others, link: links });
  } catch {
    // A hint that Node will not write is left out: the answer comes all the same.
  }
}

/** Pairs → one entry a name. Of all names only Set-Cookie may not be put into one line (RFC 9110, section 5.3). */
function groupHeaders(headers: string[]): Record<string, string | string[]> {
  const grouped = new Map<string, string | string[]>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    const value = headers[index + 1] as string;
    const present = grouped.get(name);
    if (present === undefined) grouped.set(name, value);
    else grouped.set(name, name === "set-cookie" ? [present, value].flat() : `${present}, ${value}`);
  }
  return Object.fromEntries(grouped);
}
