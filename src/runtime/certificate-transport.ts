/**
 * From the name of an mTLS certificate to something that sends requests with it: a binding of the worker where
 * Cloudflare holds the key, else the edge's egress. A name that means nothing is an error, never a plain call.
 */
import {
  EGRESS_CALL_HEADER,
  EGRESS_FAILURE_CODES,
  EGRESS_FAILURE_HEADER,
  EGRESS_FAILURE_STATUS_MIN,
  type EgressCall,
  formatEgressCall,
} from "../contract/egress.ts";
import { CERTIFICATE_NAME } from "../contract/handler-options/forwarding.ts";
import { INTERNAL_HEADER_PREFIX } from "../contract/headers.ts";
import { OriginError } from "./errors.ts";

export interface EgressConfiguration {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Where the host has one: it leads to the egress whatever the URL says, and without the host's own way out */
  binding?: Fetcher | undefined;
  token: string;
  /** `account/project` */
  project: string;
}

/**
 * What a call of `fetch` asks for. A `Request` would do, and is one as far as types go; to make and to collect one costs
 * the runtime more than everything else here together (bench/NOTES.md).
 */
export interface OutboundRequest {
  /** Absolute */
  readonly url: string;
  /** In upper case */
  readonly method: string;
  /** Made for this request: a transport may write its own into them. Undefined where there are none. */
  readonly headers: Headers | undefined;
  readonly body: BodyInit | null;
  readonly signal?: AbortSignal | null;
}

/** One whose headers can be added to. */
export interface RequestWithHeaders extends OutboundRequest {
  readonly headers: Headers;
}

/** Sends one request; redirects are returned and not followed. */
export type SendRequest = (request: OutboundRequest) => Promise<Response>;

/**
 * @param requestId of the request that is being served, for the egress' log; undefined where nobody knows
 * @throws OriginError when `name` is no certificate here
 */
export type CertificateTransport = (name: unknown, requestId: string | undefined) => SendRequest;

/** `plainFetch` is the runtime's own `fetch`, on which the egress is reached. */
export function createCertificateTransport(
  bindings: Readonly<Record<string, unknown>>,
  egress: EgressConfiguration | undefined,
  plainFetch: typeof fetch,
): CertificateTransport {
  return function findTransport(name, requestId) {
    if (typeof name !== "string" || !CERTIFICATE_NAME.test(name)) throw unusableName(name);
    const binding = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
    if (isFetcher(binding)) return (request) => sendThroughBinding(request, name, binding);
    if (!egress) throw unknownName(name);
    const { binding: direct } = egress;
    const send: typeof fetch = direct === undefined ? plainFetch : (input, init) => direct.fetch(input, init);
    const { token, project } = egress;
    const call = { token, project, certificate: name, requestId };
    return (request) => sendThroughEgress(request, call, egress.url, send);
  };
}

/** Some of the runtime's stubs are functions, and answer to a name only when it is read. */
export function isFetcher(binding: unknown): binding is Fetcher {
  const canHaveMembers = (typeof binding === "object" && binding !== null) || typeof binding === "function";
  return canHaveMembers && typeof (binding as Partial<Fetcher>).fetch === "function";
}

async function sendThroughBinding(request: OutboundRequest, name: string, binding: Fetcher): Promise<Response> {
  const { url, method, headers = {}, body, signal = null } = request;
  const sent = new Request(url, { method, headers, body, signal, redirect: "manual" });
  try {
    return await binding.fetch(sent);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new OriginError({
      code: "origin_unreachable",
      reason: `no HTTP response came through the binding "${name}": ${describeError(cause)}`,
      hint: "check the origin's address, that it trusts the certificate's issuer, and the certificate's expiry",
      cause,
    });
  }
}

async function sendThroughEgress(
  request: OutboundRequest,
  call: Omit<EgressCall, "target">,
  egressUrl: string,
  send: typeof fetch,
): Promise<Response> {
  const { method, body, signal = null } = request;
  const headers = writeEgressHeaders(request, call);
  let response: Response;
  try {
    response = await send(egressUrl, { method, body, signal, headers, redirect: "manual" });
  } catch (cause) {
    signal?.throwIfAborted();
    // The call itself cannot be: a GET with a body. Connections fail with other errors.
    if (cause instanceof TypeError) throw cause;
    throw new OriginError({
      code: "origin_unreachable",
      reason: `the edge's egress does not answer: ${describeError(cause)}`,
      hint: "check that the edge runs, and that SALLYPORT_EGRESS_URL, where it is set, is where its egress listens",
      cause,
    });
  }
  if (response.status < EGRESS_FAILURE_STATUS_MIN) return response;
  const failure = response.headers.get(EGRESS_FAILURE_HEADER);
  if (failure !== null) throw await readFailure(failure, response);
  return response;
}

/** Nothing of the caller's can stand in for what the egress goes by. Without any of them, no `Headers` need be made. */
function writeEgressHeaders({ headers, url }: OutboundRequest, rest: Omit<EgressCall, "target">): HeadersInit {
  const call = formatEgressCall({ ...rest, target: withoutFragment(url) });
  if (headers === undefined) return { [EGRESS_CALL_HEADER]: call };
  for (const header of [...headers.keys()]) {
    if (header === "host" || header.startsWith(INTERNAL_HEADER_PREFIX)) headers.delete(header);
  }
  headers.set(EGRESS_CALL_HEADER, call);
  return headers;
}

/** RFC 9110, section 7.1: a fragment is the client's own business. */
function withoutFragment(url: string): string {
  return url.split("#", 1)[0] ?? "";
}

/** A code or body that this worker does not know still is a failure: an edge may be newer than its worker. */
async function readFailure(given: string, response: Response): Promise<OriginError> {
  const code = EGRESS_FAILURE_CODES.find((known) => known === given) ?? "origin_unreachable";
  const body: unknown = await response.json().catch(() => undefined);
  const { reason, hint } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  return new OriginError({
    code,
    reason: typeof reason === "string" ? reason : `the egress failed with "${given}"`,
    hint: typeof hint === "string" ? hint : "look for this request in the edge's log",
  });
}

/** For example the value of a variable that is not set. */
function unusableName(name: unknown): OriginError {
  const found = typeof name === "string" ? `"${name}"` : String(name);
  return new OriginError({
    code: "mtls_certificate_not_found",
    reason: `the name of the mTLS certificate is ${found}, expected the name given to "sallyport mtls-certificate create"`,
    hint: "set the variable that names the certificate, the one in $env(…) or of environment",
  });
}

function unknownName(name: string): OriginError {
  return new OriginError({
    code: "mtls_certificate_not_found",
    reason: `"${name}" is not an mTLS certificate of this worker, found neither a binding of that name nor an egress`,
    hint: `upload it with "sallyport mtls-certificate create --name ${name}" and run the worker under "sallyport dev", or bind it as [[mtls_certificates]] on Cloudflare`,
  });
}

export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
