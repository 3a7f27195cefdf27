/** Headers of a worker's request on their way to an origin: all but what belongs to the connection, and what is ours. */
import { EGRESS_CALL_HEADER, type EgressCall, parseEgressCall } from "../../src/contract/egress.ts";
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

export interface RequestHeaders {
  /** Undefined where it is missing, malformed, or came twice: nobody could say which is meant */
  call: EgressCall | undefined;
  /** For the origin: name, value, name, value … */
  passedOn: string[];
}

/**
 * From `rawHeaders` (name, value, name, value …), in one pass: Node's `headersDistinct` makes an object of all of them.
 * In lower case, as HTTP/2 wants them: there undici would take `Cookie` and `cookie` for two headers, which Node then
 * refuses together with the whole connection.
 *
 * @param connection value of the Connection header: what it names is dropped as well
 */
export function readRequestHeaders(rawHeaders: readonly string[], connection?: string): RequestHeaders {
  const calls: string[] = [];
  const passedOn: string[] = [];
  const named = parseConnectionOptions(connection);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    if (name === EGRESS_CALL_HEADER) calls.push(value);
    else if (isInternalHeader(name)) continue;
    else if (!DROPPED_NAMES.has(name) && !named?.has(name)) passedOn.push(name, value);
  }
  const [call] = calls;
  return { call: call === undefined || calls.length > 1 ? undefined : parseEgressCall(call), passedOn };
}
