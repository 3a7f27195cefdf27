/**
 * Sends a request on to an origin, for the handlers that do nothing else: bodies are streams in both directions,
 * redirects and WebSockets are handed on, what belongs to one connection stays there.
 */
import type { ForwardingOptions } from "../contract/handler-options/forwarding.ts";
import { INTERNAL_HEADER_PREFIX } from "../contract/headers.ts";
import { describeError } from "../runtime/certificate-transport.ts";
import { OriginError } from "../runtime/errors.ts";
import type { ZuploRequest } from "../runtime/request.ts";

export type ForwardRequest = (request: ZuploRequest, target: URL) => Promise<Response>;

/** An origin that gives no HTTP response becomes an {@link OriginError}. */
export function compileForwardRequest(options: Omit<ForwardingOptions, "forwardSearch">): ForwardRequest {
  const redirect = options.followRedirects ? "follow" : "manual";
  if (!presentsCertificate(options)) {
    return (request, target) => fetch(target, { ...describeRequest(request), redirect }).catch(throwUnreachable);
  }
  const sallyport = { mtlsCertificate: options.mtlsCertificate };
  return (request, target) => fetch(target, { ...describeRequest(request), redirect, sallyport });
}

/** Also where the name comes from a variable that is not set: then every request has to fail. */
export function presentsCertificate(options: Pick<ForwardingOptions, "mtlsCertificate">): boolean {
  return "mtlsCertificate" in options;
}

function throwUnreachable(cause: unknown): never {
  throw new OriginError({
    code: "origin_unreachable",
    reason: `no HTTP response came from the origin: ${describeError(cause)}`,
    hint: "check that the origin runs, that its certificate is trusted, and whether it wants a client certificate (mtlsCertificate)",
    cause,
  });
}

function describeRequest(request: ZuploRequest): RequestInit {
  return { method: request.method, headers: originHeaders(request.headers), body: request.body };
}

/**
 * RFC 9110, section 7.6.1: fields of one connection, and what `Connection` names beside them. `host` is the origin's
 * own, and `expect` was met by whoever read the request.
 */
const CONNECTION_HEADERS = [
  "connection",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

function originHeaders(given: Headers): Headers {
  const headers = new Headers(given);
  const isWebSocket = given.get("upgrade")?.toLowerCase() === "websocket";
  const named = (given.get("connection") ?? "").toLowerCase().split(",");
  const dropped = new Set([...CONNECTION_HEADERS, ...named.map((name) => name.trim())]);
  for (const name of [...headers.keys()]) {
    if (dropped.has(name) || name.startsWith(INTERNAL_HEADER_PREFIX)) headers.delete(name);
  }
  if (isWebSocket) headers.set("upgrade", "websocket");
  // Left out, workerd would write its own, and the client be sent an encoding that it did not ask for.
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
  return headers;
}
