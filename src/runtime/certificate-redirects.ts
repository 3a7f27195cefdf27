/**
 * Redirects of requests that present a client certificate. They are followed here and not by the transport, because
 * only here is known which origin the certificate was meant for: another one must neither be shown it (security.md,
 * "Outbound") nor be called without it in the caller's name, so a redirect that leaves the origin is an error.
 */
import type { OutboundRequest, RequestWithHeaders } from "./certificate-transport.ts";

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** As in the Fetch standard. */
const MAX_REDIRECTS = 20;

/** Headers that describe a body, gone with it (Fetch standard, "request-body-header name"). */
const BODY_HEADERS = ["content-encoding", "content-language", "content-length", "content-location", "content-type"];

/** A body that can be sent again, undefined for a stream. */
export type RepeatableBody = string | ArrayBuffer | ArrayBufferView | Blob | URLSearchParams | undefined;

export async function sendFollowingRedirects<Sent extends OutboundRequest>(
  first: Sent,
  body: RepeatableBody,
  send: (request: Sent | RequestWithHeaders) => Promise<Response>,
): Promise<Response> {
  let request: Sent | RequestWithHeaders = first;
  for (let redirects = 0; ; redirects += 1) {
    const response = await send(request);
    const location = REDIRECT_STATUSES.has(response.status) ? response.headers.get("location") : null;
    if (location === null) return nameResponse(response, request.url, redirects > 0);
    response.body?.cancel().catch(() => {});
    if (redirects === MAX_REDIRECTS) {
      throw new TypeError(`"${first.url}" redirects too often, allowed: ${MAX_REDIRECTS} redirects`);
    }
    request = redirectRequest(request, location, response.status, body);
  }
}

/** The transport's own URL would be of no use to code that resolves links against `response.url`. */
export function nameResponse(response: Response, url: string, redirected: boolean): Response {
  // The transport followed none, so its answer says of itself that it was not redirected.
  if (redirected) Object.defineProperty(response, "redirected", { value: true });
  return Object.defineProperty(response, "url", { value: url });
}

function redirectRequest(
  previous: OutboundRequest,
  location: string,
  status: number,
  body: RepeatableBody,
): RequestWithHeaders {
  const target = URL.parse(location, previous.url);
  const { origin } = new URL(previous.url);
  if (target?.origin !== origin) {
    throw new TypeError(
      `"${location}" is a redirect away from ${origin}, for which the client certificate is, allowed: the same origin, or redirect: "manual"`,
    );
  }
  const { method, signal = null } = previous;
  const headers = new Headers(previous.headers);
  const next = { url: target.href, method, headers, signal };
  if (becomesGet(method, status)) {
    for (const name of BODY_HEADERS) headers.delete(name);
    return { ...next, method: method === "HEAD" ? "HEAD" : "GET", body: null };
  }
  if (previous.body !== null && body === undefined) {
    throw new TypeError(`"${location}" is a redirect that wants the body again, which was a stream`);
  }
  return { ...next, body: previous.body === null ? null : (body ?? null) };
}

/** Fetch standard, "HTTP-redirect fetch", step 12. */
function becomesGet(method: string, status: number): boolean {
  if (status === 303) return true;
  return (status === 301 || status === 302) && method === "POST";
}
