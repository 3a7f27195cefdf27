/**
 * The request as user code sees it: a `Request` with the route's parameters, the query and the user. The headers
 * between edge and worker are gone from it already.
 */

/** What is known about a client certificate. Only `verified` says whether it may be believed. */
export interface MtlsAuth {
  /** Subject DN, RFC 4514 order and escaping */
  subject: string;
  /** DN of the CA that signed the leaf, which may be an intermediate */
  issuer: string;
  /** ISO 8601, UTC */
  notBefore: string;
  notAfter: string;
  /** SHA-256 over the leaf's DER: uppercase hex with colons */
  sha256Fingerprint: string;
  /**
   * The certificate passes every check of the policy that attached this. `false` only behind a policy with
   * `allowUnauthenticatedRequests`: then everything above is what an unknown client claims.
   */
  verified: boolean;
}

export interface DefaultUserData {
  /** Attached by `mtls-auth-inbound` */
  mtlsAuth?: MtlsAuth;
  [key: string]: unknown;
}

export interface RequestUser<Data = DefaultUserData> {
  /** Absent when nobody vouches for the user: an unverified certificate behind a passthrough policy. */
  sub?: string;
  data: Data;
}

export interface RequestGeneric {
  Params?: Record<string, string>;
  Query?: Record<string, string>;
  UserData?: unknown;
}

type ParamsOf<G extends RequestGeneric> = G extends { Params: infer P } ? P : Record<string, string>;
type QueryOf<G extends RequestGeneric> = G extends { Query: infer Q } ? Q : Record<string, string>;
type UserDataOf<G extends RequestGeneric> = G extends { UserData: infer D } ? D : DefaultUserData;

export interface ZuploRequestInit<G extends RequestGeneric = RequestGeneric> extends RequestInit {
  params?: ParamsOf<G>;
  user?: RequestUser<UserDataOf<G>>;
}

/**
 * @example
 * const forwarded = new ZuploRequest(request, { headers: { accept: "application/json" } });
 */
export class ZuploRequest<G extends RequestGeneric = Record<never, never>> extends Request {
  /** Percent-decoded parameters of the route's path */
  params: ParamsOf<G>;
  user: RequestUser<UserDataOf<G>> | undefined;
  #query: QueryOf<G> | undefined;

  /**
   * `params` and `user` are taken over from `input` where `init` does not name them.
   *
   * @throws TypeError when `init` names a client certificate: `fetch` would not see it, and call without one
   */
  constructor(input: RequestInfo | URL, init: ZuploRequestInit<G> = {}) {
    if (init.sallyport !== undefined || init.zuplo !== undefined) {
      throw new TypeError('"mtlsCertificate" is an option of fetch, a request cannot keep it');
    }
    super(input, init);
    const origin = input instanceof ZuploRequest ? (input as ZuploRequest<G>) : undefined;
    this.params = init.params ?? origin?.params ?? (Object.create(null) as ParamsOf<G>);
    this.user = "user" in init ? init.user : origin?.user;
  }

  /** The query, decoded; the last of several values of one name. */
  get query(): QueryOf<G> {
    this.#query ??= parseQuery(this.url) as QueryOf<G>;
    return this.#query;
  }

  override clone(): ZuploRequest<G> {
    return new ZuploRequest<G>(super.clone(), { params: this.params, ...(this.user && { user: this.user }) });
  }
}

/** Without a prototype, so that `?__proto__=x` is a name like any other. */
function parseQuery(url: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  const start = url.indexOf("?");
  if (start === -1) return query;
  for (const [name, value] of new URLSearchParams(url.slice(start))) query[name] = value;
  return query;
}
