/** Requests and answers as Node's servers hand them over, and what of an answer's headers goes on to the next hop. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** Response headers that belong to one connection, not to the next one. */
const HOP_BY_HOP_RESPONSE = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  // Forbidden in HTTP/2 (RFC 9113, section 8.2.2), and without a meaning in any response
  "te",
  "http2-settings",
]);

/**
 * The headers of a response that go on, as name, value, name, value …
 *
 * @param raw as undici gives them: pairs (HTTP/1.1, latin-1 bytes), or Node's object (HTTP/2)
 * @param dropsHeader of what more is left out, by lower-case name
 */
export function readResponseHeaders(
  raw: readonly (Buffer | string)[] | IncomingHttpHeaders,
  dropsHeader?: (name: string) => boolean,
): string[] {
  const pairs = Array.isArray(raw) ? raw : toPairs(raw as IncomingHttpHeaders);
  const kept: string[] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const name = pairs[index]?.toString("latin1") ?? "";
    const lowerCase = name.toLowerCase();
    if (HOP_BY_HOP_RESPONSE.has(lowerCase) || dropsHeader?.(lowerCase)) continue;
    kept.push(name, pairs[index + 1]?.toString("latin1") ?? "");
  }
  return kept;
}

function toPairs(headers: IncomingHttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    name.startsWith(":") ? [] : [value].flat().flatMap((line) => [name, line]),
  );
}
