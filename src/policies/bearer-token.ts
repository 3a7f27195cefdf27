/**
 * The access token of a request (RFC 6750, section 2.1): in the Authorization header, once, and nowhere else. A token in
 * the query ends up in logs, and one in a form would mean to read the body; neither is accepted.
 */

export type BearerToken =
  | { kind: "token"; token: string }
  | { kind: "missing" }
  | { kind: "malformed"; reason: string };

/** RFC 6750, section 2.1; the scheme in any case (RFC 9110, section 11.1) */
const BEARER_CREDENTIALS = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
/** `Headers` joins repeated fields with commas, and no token has one in it. */
const ANY_BEARER = /(?:^|,)\s*bearer(?:\s|,|$)/i;

export function parseBearerToken(request: Request): BearerToken {
  const authorization = request.headers.get("authorization") ?? "";
  const token = BEARER_CREDENTIALS.exec(authorization)?.[1];
  if (token === undefined) {
    if (!ANY_BEARER.test(authorization)) return { kind: "missing" };
    const reason = "the Authorization header is not one bearer token: it is malformed, or there are several of them";
    return { kind: "malformed", reason };
  }
  if (new URL(request.url).searchParams.has("access_token")) {
    return { kind: "malformed", reason: "there is an access_token in the query beside the Authorization header" };
  }
  return { kind: "token", token };
}
