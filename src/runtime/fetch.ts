/**
 * The global `fetch`, wrapped once: a call that names an mTLS certificate goes to the origin with it, every other call
 * goes to the runtime's own `fetch` as it came. This module has to be loaded before any module of a project.
 */
import { traceSend } from "../tracing/request-trace.ts";
import { nameResponse, type RepeatableBody, sendFollowingRedirects } from "./certificate-redirects.ts";
import {
  type CertificateTransport,
  createCertificateTransport,
  type OutboundRequest,
} from "./certificate-transport.ts";
import { findCurrentRequest } from "./current-request.ts";

export interface CertificateOptions {
  /**
   * Name of an mTLS certificate of the project, to be presented to the origin. Undefined where the key is there (a
   * variable that is not set) fails the call.
   */
  mtlsCertificate?: string | undefined;
}

declare global {
  /** Options of `fetch` alone: a `Request` does not keep them. */
  interface RequestInit<Cf = CfProperties> {
    /** @example await fetch(url, { sallyport: { mtlsCertificate: "aws_alb_cert" } }) */
    sallyport?: CertificateOptions;
    /** The same as `sallyport`, under the name that Zuplo's projects use */
    zuplo?: CertificateOptions;
  }
}

/** The runtime's own `fetch`. */
export const plainFetch: typeof fetch = globalThis.fetch;

let transport: CertificateTransport = createCertificateTransport({}, undefined, plainFetch);

/** Decides where certificates are found from now on. A worker calls it once, when it is made. */
export function setCertificateTransport(next: CertificateTransport): void {
  transport = next;
}

globalThis.fetch = function fetch(input: RequestInfo | URL, init?: RequestInit<RequestInitCfProperties>) {
  if (init?.sallyport === undefined && init?.zuplo === undefined) return plainFetch(input, init);
  return fetchWithOptions(input, init);
};

async function fetchWithOptions(
  input: RequestInfo | URL,
  { sallyport, zuplo, ...init }: RequestInit<RequestInitCfProperties>,
): Promise<Response> {
  const names = [readName("sallyport", sallyport), readName("zuplo", zuplo)].filter((given) => given !== undefined);
  const [first] = names;
  if (!first) return plainFetch(input, init);
  if (names.some(({ name }) => name !== first.name)) {
    throw new TypeError('"mtlsCertificate" has one value in "sallyport" and another in "zuplo", allowed: one of them');
  }
  const request = readRequest(input, init);
  const current = findCurrentRequest();
  const send = traceSend(transport(first.name, current?.requestId), first.name, current?.trace);
  if (request.redirect === "manual") return nameResponse(await send(request), request.url, false);
  return await sendFollowingRedirects(request, repeatableBody(init.body), send);
}

/** Undefined where no certificate is asked for, which is not the same as one whose name is undefined. */
function readName(key: string, options: CertificateOptions | null | undefined): { name: unknown } | undefined {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== "object") throw new TypeError(`"${key}" is ${typeof options}, expected an object`);
  return "mtlsCertificate" in options ? { name: options.mtlsCertificate } : undefined;
}

function readRequest(
  input: RequestInfo | URL,
  init: RequestInit<RequestInitCfProperties>,
): OutboundRequest & { redirect: string } {
  if (input instanceof Request) {
    const request = new Request(input, init);
    checkTarget(new URL(request.url));
    return request;
  }
  const url = checkTarget(input instanceof URL ? input : new URL(input));
  const { method = "GET", redirect = "follow", body = null, signal = null } = init;
  if (redirect !== "follow" && redirect !== "manual") {
    throw new TypeError(`"redirect" is "${redirect}", allowed: "follow" and "manual"`);
  }
  const headers = init.headers === undefined ? undefined : new Headers(init.headers);
  return { url, method: method.toUpperCase(), headers, body, signal, redirect };
}

/** Of a parsed URL's text: nothing stands between scheme and host. One look costs less than an URL's properties. */
const HTTPS_WITHOUT_CREDENTIALS = /^https:\/\/[^/@]+\//;

/**
 * A certificate is presented in a TLS handshake: over plain HTTP there is none, and the call would be unprotected.
 *
 * @returns its text
 */
function checkTarget(url: URL): string {
  const { href } = url;
  if (HTTPS_WITHOUT_CREDENTIALS.test(href)) return href;
  const { protocol, origin } = url;
  if (protocol !== "https:") {
    throw new TypeError(`"${origin}" cannot be shown a client certificate, found ${protocol} and expected https:`);
  }
  throw new TypeError(`"${origin}" stands behind a user name or password in the URL, expected an Authorization header`);
}

function repeatableBody(body: unknown): RepeatableBody {
  const isRepeatable =
    typeof body === "string" ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    body instanceof URLSearchParams;
  return isRepeatable ? body : undefined;
}
