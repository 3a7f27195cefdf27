/**
 * Rules on the subject alternative names of a leaf: `dns:*.example.com`, `uri:spiffe://…`, `email:a@b`, `ip:10.0.0.1`.
 * Compiled when a policy is loaded, matched against the names as they were read from the certificate, never against
 * a printed list, in which a comma inside a name would make two of one.
 */
import { parseHostname } from "../contract/hostname.ts";
import type { SubjectAlternativeNames } from "./certificate-extensions.ts";
import { parseIpAddress } from "./ip-address.ts";

export interface SanRule {
  /** As it was written */
  readonly text: string;
  /** Whether one of the names is what the rule allows */
  readonly matches: (names: SubjectAlternativeNames) => boolean;
}

export type SanRuleResult = { ok: true; rule: SanRule } | { ok: false; reason: string };

/**
 * Compiles one rule.
 *
 * - `dns`: without regard to case; a `*` is allowed as the whole leftmost label and stands for exactly one label. A
 *   certificate that itself names a wildcard names no single client, and no rule matches that name.
 * - `uri`: character by character, except that scheme and host are compared without regard to case.
 * - `email`: the part before the last `@` exactly, the domain without regard to case.
 * - `ip`: one address, version 4 or 6, in any spelling of the same address; no ranges.
 */
export function parseSanRule(text: string): SanRuleResult {
  const colon = text.indexOf(":");
  const compile = COMPILERS.get(text.slice(0, Math.max(colon, 0)).toLowerCase());
  if (compile === undefined) {
    return { ok: false, reason: `"${text}" is not a rule, allowed are "dns:", "uri:", "email:" and "ip:" with a name` };
  }
  const matches = compile(text.slice(colon + 1));
  if (typeof matches === "string") return { ok: false, reason: `"${text}" ${matches}` };
  return { ok: true, rule: { text, matches } };
}

type Matcher = SanRule["matches"];

/** From the part behind the colon to a matcher, or to what is wrong with it. */
const COMPILERS = new Map<string, (name: string) => Matcher | string>([
  ["dns", compileDns],
  ["uri", compileUri],
  ["email", compileEmail],
  ["ip", compileIp],
]);

function compileDns(name: string): Matcher | string {
  if (!name.startsWith("*.")) {
    const hostname = parseExactHostname(name);
    if (hostname === undefined) return describeBadDns(name);
    return ({ dns }) => dns.some((candidate) => parseExactHostname(candidate) === hostname);
  }
  const parent = parseExactHostname(name.slice(2));
  if (parent === undefined) return describeBadDns(name);
  return ({ dns }) => dns.some((candidate) => isChildOf(parseExactHostname(candidate), parent));
}

function isChildOf(hostname: string | undefined, parent: string): boolean {
  return hostname !== undefined && hostname.slice(hostname.indexOf(".")) === `.${parent}`;
}

function describeBadDns(name: string): string {
  return name.includes("*")
    ? 'has a "*" in another place than as the whole leftmost label'
    : "is not a host name, allowed are letters, digits, dashes and dots (xn--… for others)";
}

/** Lower case; undefined for whatever {@link parseHostname} would have to correct, a port or a last dot. */
function parseExactHostname(name: string): string | undefined {
  const hostname = parseHostname(name);
  return hostname?.length === name.length ? hostname : undefined;
}

const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;

function compileUri(name: string): Matcher | string {
  const wanted = normalizeUri(name);
  if (wanted === undefined || !PRINTABLE_ASCII.test(name)) return "is not an absolute URI in printable ASCII";
  if (name.includes("*")) return 'has a "*", which only a dns rule can have';
  return ({ uri }) => uri.some((candidate) => normalizeUri(candidate) === wanted);
}

/** RFC 3986, section 3: scheme and host fold case; user information, port, path, query and fragment do not. */
const URI = /^([A-Za-z][A-Za-z0-9+.-]*:)(\/\/(?:[^/?#@]*@)?)?([^/?#]*)(.*)$/s;

function normalizeUri(text: string): string | undefined {
  const match = URI.exec(text);
  if (match === null) return undefined;
  const [, scheme = "", slashes, host = "", rest = ""] = match;
  if (slashes === undefined) return scheme.toLowerCase() + host + rest;
  return scheme.toLowerCase() + slashes + host.toLowerCase() + rest;
}

function compileEmail(name: string): Matcher | string {
  const wanted = normalizeEmail(name);
  if (wanted === undefined || !PRINTABLE_ASCII.test(name)) return "is not an email address in printable ASCII";
  if (name.includes("*")) return 'has a "*", which only a dns rule can have';
  return ({ email }) => email.some((candidate) => normalizeEmail(candidate) === wanted);
}

function normalizeEmail(text: string): string | undefined {
  const at = text.lastIndexOf("@");
  const domain = parseExactHostname(text.slice(at + 1));
  return at < 1 || domain === undefined ? undefined : `${text.slice(0, at)}@${domain}`;
}

function compileIp(name: string): Matcher | string {
  const wanted = parseIpAddress(name);
  if (wanted === undefined) return "is not an IP address, allowed is one address of version 4 or 6 and no range";
  return ({ ip }) => ip.includes(wanted);
}
