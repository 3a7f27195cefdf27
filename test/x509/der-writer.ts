/**
 * Writes names and certificates byte by byte, so that tests can have string types, orders and mistakes that no
 * library would make. The certificates carry a signature of zeros: they can be read, never verified.
 */
import { generateKeyPairSync } from "node:crypto";

type Bytes = Uint8Array | readonly number[];

export function tlv(tag: number, ...parts: Bytes[]): Uint8Array {
  const content = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...lengthBytes, ...content]);
}

export function oid(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  return tlv(0x06, ...[first * 40n + second, ...rest].map(encodeArc));
}

function encodeArc(arc: bigint): number[] {
  const bytes = [Number(arc & 0x7fn)];
  for (let left = arc >> 7n; left > 0n; left >>= 7n) bytes.unshift(Number(left & 0x7fn) | 0x80);
  return bytes;
}

/** A string of the given universal tag in that type's encoding. */
export function derString(tag: number, text: string): Uint8Array {
  const codePoints = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  switch (tag) {
    case 12:
      return tlv(tag, Buffer.from(text));
    case 28:
      return tlv(tag, ...codePoints.map((c) => [0, c >> 16, (c >> 8) & 0xff, c & 0xff]));
    case 30:
      return tlv(tag, ...codePoints.map((c) => [c >> 8, c & 0xff]));
    default:
      return tlv(tag, codePoints);
  }
}

export function attribute(type: string, value: Uint8Array): Uint8Array {
  return tlv(0x30, oid(type), value);
}

/** Each argument is one RDN: its attributes. */
export function derName(...rdns: Uint8Array[][]): Uint8Array {
  return tlv(0x30, ...rdns.map((attributes) => tlv(0x31, ...attributes)));
}

export const COMMON_NAME = "2.5.4.3";
export const ORGANIZATION = "2.5.4.10";
export const COUNTRY = "2.5.4.6";

/** `CN=<text>` with the given string type, UTF8String unless told. */
export function commonName(text: string, tag = 12): Uint8Array {
  return derName([attribute(COMMON_NAME, derString(tag, text))]);
}

const publicKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" });
const ECDSA_WITH_SHA256 = tlv(0x30, oid("1.2.840.10045.4.3.2"));

export interface CertificateParts {
  serialNumber?: Bytes;
  issuer?: Uint8Array;
  subject?: Uint8Array;
  notBefore?: Uint8Array;
  notAfter?: Uint8Array;
  publicKey?: Uint8Array;
  /** Encoded `Extension` elements */
  extensions?: Uint8Array[];
  version?: Uint8Array;
}

export function fakeCertificate(parts: CertificateParts = {}): Uint8Array {
  const extensions = parts.extensions === undefined ? [] : [tlv(0xa3, tlv(0x30, ...parts.extensions))];
  const tbs = tlv(
    0x30,
    parts.version ?? tlv(0xa0, tlv(0x02, [2])),
    tlv(0x02, parts.serialNumber ?? [1]),
    ECDSA_WITH_SHA256,
    parts.issuer ?? commonName("issuer"),
    tlv(0x30, parts.notBefore ?? utcTime("220321133500Z"), parts.notAfter ?? utcTime("320301000000Z")),
    parts.subject ?? commonName("subject"),
    parts.publicKey ?? publicKey,
    ...extensions,
  );
  return tlv(0x30, tbs, ECDSA_WITH_SHA256, tlv(0x03, new Uint8Array(65)));
}

export function utcTime(text: string): Uint8Array {
  return tlv(0x17, Buffer.from(text));
}

export function generalizedTime(text: string): Uint8Array {
  return tlv(0x18, Buffer.from(text));
}

export function extension(type: string, value: Uint8Array): Uint8Array {
  return tlv(0x30, oid(type), tlv(0x04, value));
}
