/**
 * Prints distinguished names in the three notations of Cloudflare's `tlsClientAuth`, byte for byte as OpenSSL does
 * (`X509_NAME_print_ex` with `XN_FLAG_RFC2253`, `X509_NAME_oneline`). For people, logs and configuration; to decide
 * something, compare names with `isSameDistinguishedName`.
 */
import { getAttributeShortName } from "./attribute-types.ts";
import { DerTag } from "./der.ts";
import type { AttributeTypeAndValue, DistinguishedName } from "./distinguished-name.ts";
import { encodeUppercaseHex } from "./hex.ts";

/** `CN=…,OU=…,C=US`: what `openssl x509 -nameopt RFC2253` prints. Unknown types and other values are `1.2.3=#hex`. */
export function encodeRfc2253(name: DistinguishedName): string {
  return printReversed(name, ",");
}

/** `CN=…, C=US, ST=Texas`: the same with a space after each comma. */
export function encodeCommaSpace(name: DistinguishedName): string {
  return printReversed(name, ", ");
}

/** `/C=US/O=…/CN=…`: what `openssl x509 -nameopt compat` prints. Lossy: it shows bytes, not characters. */
export function encodeLegacy(name: DistinguishedName): string {
  return name.rdns.map((rdn) => `/${rdn.map(printLegacyAttribute).join("+")}`).join("");
}

function printReversed(name: DistinguishedName, separator: string): string {
  return name.rdns
    .toReversed()
    .map((rdn) => rdn.toReversed().map(printAttribute).join("+"))
    .join(separator);
}

function printAttribute({ type, value }: AttributeTypeAndValue): string {
  const shortName = getAttributeShortName(type);
  if (shortName === undefined || value.text === undefined) {
    return `${shortName ?? type}=#${encodeUppercaseHex(value.der)}`;
  }
  return `${shortName}=${escapeText(value.text)}`;
}

const encoder = new TextEncoder();

/** Nothing in it is escaped; the short way for nearly every name. */
const PLAIN = /^[A-Za-z0-9@:./_-]*$/;

/** RFC 2253, section 2.4, with control characters and everything beyond ASCII as `\XX` of its UTF-8 bytes. */
function escapeText(text: string): string {
  if (PLAIN.test(text)) return text;
  const bytes = encoder.encode(text);
  let printed = "";
  bytes.forEach((byte, index) => {
    printed += escapeByte(byte, index === 0, index === bytes.length - 1);
  });
  return printed;
}

const ESCAPED_ANYWHERE = new Set(Array.from(',+"\\<>;', (character) => character.charCodeAt(0)));
const SPACE = 0x20;
const NUMBER_SIGN = 0x23;

function escapeByte(byte: number, isFirst: boolean, isLast: boolean): string {
  if (byte < SPACE || byte > 0x7e) return `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  const character = String.fromCharCode(byte);
  const isEscaped =
    ESCAPED_ANYWHERE.has(byte) ||
    (byte === SPACE && (isFirst || isLast)) ||
    // OpenSSL leaves a value that is nothing but "#" as it is
    (byte === NUMBER_SIGN && isFirst && !isLast);
  return isEscaped ? `\\${character}` : character;
}

function printLegacyAttribute({ type, value }: AttributeTypeAndValue): string {
  let printed = `${getAttributeShortName(type) ?? type}=`;
  for (const byte of legacyBytes(value.der)) printed += printLegacyByte(byte);
  return printed;
}

function printLegacyByte(byte: number): string {
  if (byte < SPACE || byte > 0x7e) return `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  const character = String.fromCharCode(byte);
  return character === "/" || character === "+" ? `\\${character}` : character;
}

/** The bytes that OpenSSL keeps of a value: content; of a SEQUENCE all; of a BIT STRING without its first byte. */
function legacyBytes(der: Uint8Array): Uint8Array {
  if (der[0] === DerTag.sequence) return der;
  const lengthByte = der[1] ?? 0;
  const contentStart = lengthByte < 0x80 ? 2 : 2 + (lengthByte & 0x7f);
  return der.subarray(der[0] === DerTag.bitString ? contentStart + 1 : contentStart);
}
