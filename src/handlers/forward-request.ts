/**
 * Sends a request on to an origin, for the handlers that do nothing else: bodies are streams in both directions,
 * redirects and WebSockets are handed on, what belongs to one connection stays there.
 */
import { isClientCertField } from "../contract/client-cert-field.ts";
import type { ForwardingOptions } from "../contract/handler-options/forwarding.ts";
import { INTERNAL_HEADER_PREFIX } from "../contract/headers.ts";
import type { Exchange } from "../gateway/exchange.ts";
import { respondWithProblem } from "../gateway/problem-response.ts";
import { sendFollowingRedirects } from "../runtime/certificate-redirects.ts";
import { describeError, type RequestWithHeaders } from "../runtime/certificate-transport.ts";
import { OriginError } from "../runtime/errors.ts";
import type { ZuploRequest } from "../runtime/request.ts";
import { compileClientCertFields, hideFromCaches } from "./client-cert-fields.ts";

export type ForwardRequest = (request: ZuploRequest, target: URL, exchange: Exchange) => Promise<Response>;

type SendWithHeaders = (request: RequestWithHeaders) => Promise<Response>;

/** An origin that gives no HTTP response becomes an {@link OriginError}. */
export function compileForwardRequest(options: Omit<ForwardingOptions, "forwardSearch">): ForwardRequest {
  const findFields = compileClientCertFields(options.forwardClientCertificate);
  const send = compileSend(options);
  return async function forwardRequest(request, target, exchange) {
    const clientCert = findFields(exchange.verdict);
    if (!clientCert.ok) {
      const { code, ...parts } = clientCert;
      exchange.context.log.warn("client certificate not forwarded", { code, ...parts.explanation });
      return respondWithProblem(exchange, code, parts);
    }
    const sent = describeRequest(request, target, clientCert.fields);
    exchange.trace?.writeTo(sent.headers);
    return hideFromCaches(await send(sent));
  };
}

/**
 * Who tells an origin about its clients, by a certificate in TLS or in a field, follows redirects within that origin alone.
 * With a field no cache answers in the origin's place: it would tell clients apart by no more than the URL.
 */
function compileSend(options: Omit<ForwardingOptions, "forwardSearch">): SendWithHeaders {
  const redirect = options.followRedirects ? "follow" : "manual";
  if (presentsCertificate(options)) {
    const sallyport = { mtlsCertificate: options.mtlsCertificate };
    return ({ url, method, headers, body }) => fetch(url, { method, headers, body, redirect, sallyport });
  }
  if (options.forwardClientCertificate === "none") {
    return ({ url, method, headers, body }) => fetch(url, { method, headers, body, redirect }).catch(throwUnreachable);
  }
  if (!options.followRedirects) return sendUncached;
  return (request) => sendFollowingRedirects(request, undefined, sendUncached);
}

const sendUncached: SendWithHeaders = ({ url, method, headers, body }) =>
  fetch(url, { method, headers, body, redirect: "manual", cache: "no-store" }).catch(throwUnreachable);

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

function describeRequest(
  request: ZuploRequest,
  target: URL,
  clientCert: readonly (readonly [string, string])[],
): RequestWithHeaders {
  const headers = originHeaders(request.headers);
  for (const [name, value] of clientCert) headers.set(name, value);
  return { url: target.href, method: request.method, headers, body: request.body };
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
    const isOurs = name.startsWith(INTERNAL_HEADER_PREFIX) || isClientCertField(name);
    if (isOurs || dropped.has(name)) headers.delete(name);
  }
  if (isWebSocket) headers.set("upgrade", "websocket");
  // Left out, workerd would write its own, and the client be sent an encoding that it did not ask for.
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
  return headers;
}
