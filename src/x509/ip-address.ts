/** IP addresses in one canonical spelling, so that an address in a rule and one in a certificate compare as text. */

/** The address that an iPAddress name holds: 4 or 16 bytes (RFC 5280, section 4.2.1.6); undefined for other lengths. */
export function formatIpAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return parseIpv6(groups.join(":"));
}

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/**
 * `10.0.0.1` as it is, IPv6 in the form of RFC 5952 (an embedded IPv4 address in hexadecimal). Undefined for anything
 * else, zones, ranges and the short or octal forms of IPv4 included. `::ffff:10.0.0.1` is not `10.0.0.1`.
 */
export function parseIpAddress(text: string): string | undefined {
  return IPV4.test(text) ? text : parseIpv6(text);
}

/** The URL parser of the runtime reads and writes IPv6 as the WHATWG URL standard says, section 3.5. */
function parseIpv6(text: string): string | undefined {
  if (!/^[0-9A-Fa-f:.]{2,45}$/.test(text) || !text.includes(":")) return undefined;
  const url = URL.parse(`http://[${text}]/`);
  return url === null ? undefined : url.hostname.slice(1, -1);
}
