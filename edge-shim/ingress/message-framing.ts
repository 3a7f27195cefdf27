/**
 * Requests whose end, or whose protocol, two parsers could read differently. Node's parser decides where a request
 * ends and the worker gets it framed anew, so both agree; what is refused here are the forms on which a proxy in front
 * of us, or the next version of either parser, would not (request smuggling: RFC 9112, section 11.2).
 */
import type { HttpRequest } from "../forwarding/messages.ts";

/** Parsers differ on which of several codings they take: `xchunked, chunked` is a body to one, and none to another. */
const CHUNKED = /^chunked$/i;

/** RFC 9112, section 3.2: a target is printable ASCII. The HTTP/1.1 parser sees to that, the one of HTTP/2 does not. */
const TARGET = /^[\x21-\x7e]*$/;

/** Why the request must be refused, or undefined. */
export function findFramingProblem(request: HttpRequest): string | undefined {
  if ("stream" in request) return TARGET.test(request.url) ? undefined : "the request target is not printable ASCII";
  const { httpVersion, headers } = request;
  // Node's HTTP/1.1 parser takes `GET / HTTP/2.0` and `GET /` as well.
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return `"HTTP/${httpVersion}" is not a version of HTTP/1`;
  const encoding = headers["transfer-encoding"];
  if (encoding === undefined) return undefined;
  // RFC 9112, section 6.1: whoever added it may have been one that does not know what it means.
  if (httpVersion === "1.0") return "Transfer-Encoding is not for HTTP/1.0";
  return CHUNKED.test(encoding) ? undefined : `"${encoding}" is not a transfer coding, allowed: chunked`;
}

/**
 * True for an Upgrade that was ignored. Node's parser stops behind such a request and drops what came in the same
 * packet, so that the next request would begin in the middle of one.
 */
export function isLastOfConnection(request: HttpRequest): boolean {
  return !("stream" in request) && request.headers.upgrade !== undefined;
}
