/** Headers of a worker's request on their way to an origin: all but what belongs to the connection, and what is ours. */
import { INTERNAL_HEADER_PREFIX } from "../../src/contract/headers.ts";
import { parseConnectionOptions } from "../forwarding/messages.ts";

/** RFC 9110, section 7.6.1; `host` is the target's, and `expect` was answered by this server. */
const DROPPED_NAMES: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Ours, in every spelling that a CGI-like origin reads as the same name. */
export function isInternalHeader(lowerCaseName: string): boolean {
  return lowerCaseName.replaceAll("_", "-").startsWith(INTERNAL_HEADER_PREFIX);
}

/**
 * `rawHeaders` and the result: name, value, name, value … In lower case, as HTTP/2 wants them: there undici would take
 * `Cookie` and `cookie` for two headers, which Node then refuses together with the whole connection.
 *
 * @param connection value of the Connection header: what it names is dropped as well
 */
export function readRequestHeaders(rawHeaders: readonly string[], connection?: string): string[] {
  const kept: string[] = [];
  const named = parseConnectionOptions(connection);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (DROPPED_NAMES.has(name) || named?.has(name) || isInternalHeader(name)) continue;
    kept.push(name, rawHeaders[index + 1] as string);
  }
  return kept;
}
