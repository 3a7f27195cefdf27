/** Where a worker wants a request to go: an absolute `https:` URL, since a certificate is presented in a TLS handshake. */
export interface Target {
  /** `https://host:port`, the port left out where it is 443 */
  origin: string;
  /** Path and query */
  path: string;
}

export type TargetResult = { ok: true; target: Target } | { ok: false; reason: string };

/** Characters that the URL parser would drop or change: then worker and egress would mean different resources. */
const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;

export function parseTarget(text: string): TargetResult {
  const url = PRINTABLE_ASCII.test(text) ? URL.parse(text) : null;
  if (url === null) return refuse("the target is not an absolute URL");
  if (url.protocol !== "https:") {
    return refuse(`"${url.origin}" cannot be shown a client certificate, found ${url.protocol} and expected https:`);
  }
  if (url.username !== "" || url.password !== "") return refuse("the target has a user name or password");
  return { ok: true, target: { origin: url.origin, path: `${url.pathname}${url.search}` } };
}

function refuse(reason: string): TargetResult {
  return { ok: false, reason };
}
