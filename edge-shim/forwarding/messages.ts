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

const ORDINARY_CONNECTION = /^(?:keep-alive|close|upgrade)$/i;

/**
 * The names in a Connection header, lower case, none of which go on (RFC 9110, section 7.6.1); but never Content-Length,
 * which says where the body ends. Undefined where it names nothing out of the ordinary.
 */
export function parseConnectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || ORDINARY_CONNECTION.test(connection)) return undefined;
  const names = new Set(connection.split(",").map((option) => option.trim().toLowerCase()));
  names.delete("content-length");
  return names;
}

/**
 * The headers of a response that go on, as name, value, name, value …
 *
 * @param raw as undici gives them: pairs (HTTP/1.1, latin-1 bytes), or Node's object (HTTP/2)
 * @param dropsHeader of what more is left out, by lower-case name
 */
export function readResponseHeaders(
  raw: readonly (Buffer | string)[] | IncomingHttpHeaders,
  dropsHeader?: (name: string, value: string) => boolean,
): string[] {
  const pairs = Array.isArray(raw) ? raw : toPairs(raw as IncomingHttpHeaders);
  const kept: string[] = [];
  let connection: string | undefined;
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const name = pairs[index]?.toString("latin1") ?? "";
    const value = pairs[index + 1]?.toString("latin1") ?? "";
    const lowerCase = name.toLowerCase();
    if (lowerCase === "connection") connection = connection === undefined ? value : `${connection},${value}`;
    if (HOP_BY_HOP_RESPONSE.has(lowerCase) || dropsHeader?.(lowerCase, value)) continue;
    kept.push(name, value);
  }
  const named = parseConnectionOptions(connection);
  return named === undefined ? kept : withoutNames(kept, named);
}

function withoutNames(pairs: string[], names: ReadonlySet<string>): string[] {
  return pairs.filter((_, index) => !names.has((pairs[index - (index % 2)] as string).toLowerCase()));
}

function toPairs(headers: IncomingHttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    name.startsWith(":") ? [] : [value].flat().flatMap((line) => [name, line]),
  );
}
