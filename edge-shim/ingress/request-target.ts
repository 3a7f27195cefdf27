/**
 * Which host and path a request asks for. Every way to name the host must agree with the TLS server name: a request
 * that says another one would be judged by one account's CA set and served under another account's name
 * (Tomcat CVE-2025-66614, Traefik CVE-2026-32305, Node CVE-2026-48928).
 */
import { parseHostname } from "../../src/contract/hostname.ts";
import type { HttpRequest } from "../forwarding/messages.ts";

export type RequestTarget =
  | {
      ok: true;
      /** In the form of `parseHostname` */
      hostname: string;
      /** {@link hostname} with the port that the client named, for the Host header of the forwarded request */
      host: string;
      /** Path and query, beginning with `/` */
      path: string;
    }
  | { ok: false; problem: "bad_request" | "misdirected_request"; detail: string };

const PORT = /:([0-9]{1,5})$/;
const PORT_MAX = 65_535;

/** @param allowedHostname the connection's host name; undefined when it has none that may be asked for */
export function parseRequestTarget(request: HttpRequest, allowedHostname: string | undefined): RequestTarget {
  const named = readHosts(request);
  if (!named.ok) return named;
  const [first, ...others] = named.hosts.map((host) => parseHostname(host));
  if (first === undefined || others.some((hostname) => hostname !== first)) {
    return refuse("bad_request", "the request names no host, or several that differ");
  }
  if (first !== allowedHostname) {
    return refuse("misdirected_request", "the Host of the request is not the TLS server name of this connection");
  }
  const port = PORT.exec(named.hosts[0] ?? "")?.[1];
  // The worker makes a URL of it, and there is none with such a port.
  if (Number(port ?? 0) > PORT_MAX) return refuse("bad_request", "the port in the Host of the request is none");
  return { ok: true, hostname: first, host: port === undefined ? first : `${first}:${port}`, path: named.path };
}

type NamedHosts = { ok: true; hosts: string[]; path: string } | { ok: false; problem: "bad_request"; detail: string };

/** Every host that the request names: Host, `:authority`, the authority of an absolute-form target. */
function readHosts(request: HttpRequest): NamedHosts {
  const { rawHeaders, url = "" } = request;
  const hosts: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts.push(rawHeaders[index + 1] as string);
    else if (name === ":authority") hosts.push(rawHeaders[index + 1] as string);
  }
  if (request.httpVersionMajor === 1 && hosts.length !== 1) {
    return refuse("bad_request", "the request must carry exactly one Host header");
  }
  if (url.startsWith("/")) return { ok: true, hosts, path: url };
  if (url === "*" && request.method === "OPTIONS") return { ok: true, hosts, path: "/" };
  const absolute = parseAbsoluteForm(url);
  if (absolute === undefined) return refuse("bad_request", "the request target is neither a path nor an absolute URL");
  return { ok: true, hosts: [...hosts, absolute.host], path: absolute.path };
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i;

function parseAbsoluteForm(url: string): { host: string; path: string } | undefined {
  const match = ABSOLUTE_FORM.exec(url);
  if (match === null) return undefined;
  const [, host = "", rest = "/"] = match;
  return { host, path: rest.startsWith("/") ? rest : `/${rest}` };
}

function refuse<Code extends "bad_request" | "misdirected_request">(problem: Code, detail: string) {
  return { ok: false, problem, detail } as const;
}
