/** Responses on their way out. Bodies are handed on as streams and WebSockets as they are. */

/** What a handler returned: a `Response`, or anything else as JSON. */
export function toResponse(result: unknown): Response {
  return result instanceof Response ? result : Response.json(result ?? null);
}

/** Changes headers, on a copy where the response's own are immutable because `fetch` made it. */
export function changeHeaders(response: Response, change: (headers: Headers) => void): Response {
  try {
    change(response.headers);
    return response;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const copy = new Response(response.body, response);
    change(copy.headers);
    return copy;
  }
}

/** Sets headers; `vary` is extended. */
export function addHeaders(response: Response, headers: readonly (readonly [string, string])[]): Response {
  return changeHeaders(response, (target) => {
    for (const [name, value] of headers) {
      if (name === "vary") target.append(name, value);
      else target.set(name, value);
    }
  });
}

/** The answer to HEAD: what GET would have said, without its body. */
export function withoutBody(response: Response): Response {
  if (response.body === null) return response;
  const { status, statusText, headers } = response;
  response.body.cancel().catch(() => {});
  return new Response(null, { status, statusText, headers });
}
