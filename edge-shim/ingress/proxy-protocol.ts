/**
 * The header by which an L4 load balancer says whose connection it passes on: the PROXY protocol, versions 1 and 2
 * (haproxy's doc/proxy-protocol.txt, sections 2.1 and 2.2). Bytes in, a verdict out; who may send one is decided in
 * proxied-connections.ts.
 *
 * Our own, since what npm has takes any text for an address ("PROXY TCP4 evil,1.2.3.4 x 99999999 0"), does not say where
 * the header ends, or knows neither `UNKNOWN` nor `LOCAL`: proxy-protocol-js 4.0.6, @balena/proxy-protocol-parser 1.0.2,
 * findhit-proxywrap 0.3.13 (version 1 only).
 */
import { isIPv4, isIPv6, SocketAddress } from "node:net";

export type ProxyHeader =
  /** It can still become one. */
  | { state: "incomplete" }
  | { state: "invalid"; reason: string }
  /**
   * @property length bytes of the header; what comes after them is TLS
   * @property source the client's address, IPv6 as RFC 5952 writes it; undefined when the load balancer speaks for itself
   */
  | { state: "complete"; length: number; source: string | undefined };

/** Section 2.1: of a line, line break included */
const V1_MAX_BYTES = 107;
const V1_SIGNATURE = Buffer.from("PROXY ");
/** "For UNKNOWN the receiver must ignore anything presented before the CRLF is found" */
const V1_UNKNOWN = /^PROXY UNKNOWN(?: .*)?\r\n$/s;
const V1_LINE = /^PROXY (TCP[46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (\d{1,5}) (\d{1,5})\r\n$/;
const LINE_FEED = 0x0a;

const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_FIXED_BYTES = 16;
/** A receiver may choose; nginx's. Addresses are 36 bytes, the rest is extensions (TLVs), which are not read. */
export const V2_MAX_BYTES = 4_096;
const V2_VERSION = 2;
const V2_LOCAL = 0;
const V2_PROXY = 1;
const V2_UNSPECIFIED = 0x00;
const V2_TCP_OVER_IPV4 = 0x11;
const V2_TCP_OVER_IPV6 = 0x21;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** After two addresses */
const PORTS_BYTES = 4;

const INCOMPLETE: ProxyHeader = { state: "incomplete" };

/** @param bytes all that came so far; may go on behind the header */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (isBeginning(bytes, V2_SIGNATURE)) return parseVersion2(bytes);
  if (isBeginning(bytes, V1_SIGNATURE)) return parseVersion1(bytes);
  return invalid("the connection does not begin with a PROXY header");
}

/** Whether `bytes` begin with `signature`, as far as they go */
function isBeginning(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.subarray(0, length).equals(signature.subarray(0, length));
}

function parseVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf(LINE_FEED);
  if (end === -1) {
    return bytes.length < V1_MAX_BYTES ? INCOMPLETE : invalid(`the line is longer than ${V1_MAX_BYTES} bytes`);
  }
  const length = end + 1;
  const line = bytes.toString("latin1", 0, length);
  if (V1_UNKNOWN.test(line)) return { state: "complete", length, source: undefined };
  const [, protocol, source = "", destination = "", ...ports] = V1_LINE.exec(line) ?? [];
  if (protocol === undefined) return invalid("the line is not PROXY, TCP4 or TCP6, two addresses, two ports");
  const isAddress = protocol === "TCP4" ? isIPv4 : isIPv6;
  if (!isAddress(source) || !isAddress(destination)) return invalid(`an address is not of ${protocol}`);
  if (!ports.every(isPort)) return invalid("a port is not 0 to 65535");
  return { state: "complete", length, source: canonical(source, protocol === "TCP4" ? "ipv4" : "ipv6") };
}

function isPort(text: string): boolean {
  return text === String(Number(text)) && Number(text) <= 65_535;
}

function parseVersion2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_BYTES) return INCOMPLETE;
  const versionAndCommand = bytes.readUInt8(V2_SIGNATURE.length);
  const family = bytes.readUInt8(V2_SIGNATURE.length + 1);
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(V2_SIGNATURE.length + 2);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== V2_VERSION) return invalid("the version is not 2");
  if (command !== V2_LOCAL && command !== V2_PROXY) return invalid("the command is neither LOCAL nor PROXY");
  if (length > V2_MAX_BYTES) return invalid(`the header is longer than ${V2_MAX_BYTES} bytes`);
  if (command === V2_LOCAL || family === V2_UNSPECIFIED) {
    return bytes.length < length ? INCOMPLETE : { state: "complete", length, source: undefined };
  }
  if (family !== V2_TCP_OVER_IPV4 && family !== V2_TCP_OVER_IPV6) return invalid("the family is not TCP over IP");
  const addressBytes = family === V2_TCP_OVER_IPV4 ? IPV4_BYTES : IPV6_BYTES;
  if (length < V2_FIXED_BYTES + 2 * addressBytes + PORTS_BYTES) return invalid("the addresses do not fit the length");
  if (bytes.length < length) return INCOMPLETE;
  const address = bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + addressBytes);
  return { state: "complete", length, source: printAddress(address) };
}

function printAddress(address: Buffer): string {
  if (address.length === IPV4_BYTES) return address.join(".");
  return canonical(address.toString("hex").replace(/....(?!$)/g, "$&:"), "ipv6");
}

function canonical(address: string, family: "ipv4" | "ipv6"): string {
  return new SocketAddress({ address, family }).address;
}

function invalid(reason: string): ProxyHeader {
  return { state: "invalid", reason };
}
