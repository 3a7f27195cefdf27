/**
 * Host names as they are compared everywhere: the SNI name, the Host header and a domain's name go through the same
 * function, because every bypass of host-scoped client authentication began with two spellings of one name.
 */
import { z } from "zod";

const HOSTNAME_MAX_CHARACTERS = 253;
/**
 * LDH labels (RFC 1123) plus underscore, which resolvers and browsers accept. Both cases are in it because it is looked at
 * before case is folded: JavaScript's small letter of the Kelvin sign (U+212A) is a k.
 */
const HOSTNAME =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;
const PORT = /:[0-9]{0,5}$/;

/**
 * `"API.Example.com.:8443"` → `"api.example.com"`. Undefined for anything that is not a host name: an empty string, an
 * IPv6 literal, user information, a comma-joined pair of Host headers, non-ASCII letters.
 */
export function parseHostname(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  let name = value.replace(PORT, "");
  if (name.endsWith(".")) name = name.slice(0, -1);
  return name.length <= HOSTNAME_MAX_CHARACTERS && HOSTNAME.test(name) ? name.toLowerCase() : undefined;
}

/** A host name that is already in the form that {@link parseHostname} gives. */
export const hostnameSchema = z.string().refine((value) => parseHostname(value) === value, {
  error: (issue) => `"${String(issue.input)}" is not a host name in lower case without port and trailing dot`,
});
