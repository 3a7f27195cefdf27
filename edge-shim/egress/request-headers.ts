/** Headers of a worker's request on their way to an origin: all but what belongs to the connection, and what is ours. */
import { INTERNAL_HEADER_PREFIX } from "../../src/contract/headers.ts";

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

/** `rawHeaders` and the result: name, value, name, value … */
export function readRequestHeaders(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const lowerCase = name.toLowerCase();
    if (DROPPED_NAMES.has(lowerCase) || isInternalHeader(lowerCase)) continue;
    kept.push(name, rawHeaders[index + 1] as string);
  }
  return kept;
}
