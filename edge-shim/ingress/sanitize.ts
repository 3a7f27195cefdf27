/**
 * Request headers on their way to the worker. What a client may not say about itself is dropped, in every spelling:
 * upstreams and CGI-like servers read `X_Forwarded_For` and `x-forwarded-for` as one header
 * (OpenShift CVE-2026-46579, Keycloak #35861). Then the edge appends its own.
 */
import { parseConnectionOptions } from "../forwarding/messages.ts";

/** Names compared lower case, underscores read as dashes. */
const DROPPED_NAMES = new Set([
  "client-cert",
  "client-cert-chain",
  "forwarded",
  "true-client-ip",
  "x-real-ip",
  // Hop-by-hop (RFC 9110, section 7.6.1) and what belongs to the client's connection with us
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "http2-settings",
  // Written anew by the edge
  "host",
]);

const DROPPED_PREFIX = /^(?:(?:sallyport|cf|mf|x-forwarded|x-ssl|ssl-client|x-amzn-mtls)(?:-|$)|x-client-cert)/;

/** Names repeat from request to request: what was decided about a spelling is remembered, for a bounded number. */
const REMEMBERED_NAMES_MAX = 2_048;
const REMEMBERED_NAME_MAX_CHARACTERS = 64;
const remembered = new Map<string, boolean>();

function isDropped(name: string): boolean {
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const normal = name.toLowerCase().replaceAll("_", "-");
  // Content-Length says where the body ends; in another spelling it would say so again behind a CGI-like upstream.
  const isSecondLength = normal === "content-length" && name.includes("_");
  const dropped = normal.startsWith(":") || DROPPED_NAMES.has(normal) || DROPPED_PREFIX.test(normal) || isSecondLength;
  if (remembered.size < REMEMBERED_NAMES_MAX && name.length <= REMEMBERED_NAME_MAX_CHARACTERS) {
    remembered.set(name, dropped);
  }
  return dropped;
}

/**
 * The headers of `rawHeaders` (name, value, name, value …) that may go on, in the same form.
 *
 * @param connection value of the client's Connection header: what it names is dropped as well, but never
 * Content-Length, which says where the body ends
 */
export function sanitizeHeaders(rawHeaders: readonly string[], connection: string | undefined): string[] {
  const named = parseConnectionOptions(connection);
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (isDropped(name) || named?.has(name.toLowerCase())) continue;
    kept.push(name, rawHeaders[index + 1] as string);
  }
  return kept;
}

/** HTTP/2 lets a client send Cookie in pieces; before HTTP/1.1 they become one again (RFC 9113, section 8.2.3). */
export function joinCookies(headers: readonly string[]): string[] {
  const joined: string[] = [];
  let cookie: number | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const [name, value] = headers.slice(index, index + 2) as [string, string];
    const isCookie = name === "cookie";
    if (isCookie && cookie !== undefined) joined[cookie] += `; ${value}`;
    else joined.push(name, value);
    if (isCookie) cookie ??= joined.length - 1;
  }
  return joined;
}
