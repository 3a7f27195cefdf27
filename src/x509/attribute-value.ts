/**
 * The value of one attribute in a distinguished name. The encoded bytes are always kept; the text is what the bytes
 * of a string type say, complete: a NUL or a direction mark stays where it is, nothing is normalised or replaced.
 */
import { type DerElement, DerError, DerTag, encodeDer } from "./der.ts";

export interface AttributeValue {
  /** The element as it stands in the certificate; for a value that was written as text, a UTF8String */
  readonly der: Uint8Array;
  /** Undefined for a type that is not a string */
  readonly text: string | undefined;
}

// ignoreBOM keeps U+FEFF in the text: otherwise two different values would read the same
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** @throws DerError for a string type whose bytes are not text in its encoding: OpenSSL refuses such certificates too */
export function decodeAttributeValue(element: DerElement): AttributeValue {
  return Object.freeze({ der: element.bytes, text: decodeText(element) });
}

/** A value that was written as text. A lone surrogate is the caller's to refuse. */
export function createTextValue(text: string): AttributeValue {
  return Object.freeze({ der: encodeDer(DerTag.utf8String, encoder.encode(text)), text });
}

/** Each byte as the code point of the same number (ISO 8859-1), which is how OpenSSL reads TeletexString, too. */
export function decodeLatin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function decodeText({ tag, content }: DerElement): string | undefined {
  switch (tag) {
    case DerTag.utf8String:
      return decodeUtf8(content);
    case DerTag.numericString:
    case DerTag.printableString:
    case DerTag.teletexString:
    case DerTag.ia5String:
      return decodeLatin1(content);
    case DerTag.bmpString:
      return decodeCodePoints(content, 2);
    case DerTag.universalString:
      return decodeCodePoints(content, 4);
    default:
      return refuseConstructedString(tag);
  }
}

const CONSTRUCTED = 0x20;
const STRING_TAGS: ReadonlySet<number> = new Set([
  DerTag.utf8String,
  DerTag.numericString,
  DerTag.printableString,
  DerTag.teletexString,
  DerTag.ia5String,
  DerTag.bmpString,
  DerTag.universalString,
]);

/** BER may cut a string into pieces; DER may not, and an opaque look at the pieces would hide the text from a reader. */
function refuseConstructedString(tag: number): undefined {
  if (STRING_TAGS.has(tag & ~CONSTRUCTED)) throw new DerError("a string is in pieces");
  return undefined;
}

function decodeUtf8(content: Uint8Array): string {
  // most names are ASCII, and a TextDecoder takes longer to call than to decode
  if (content.every((byte) => byte < 0x80)) return decodeLatin1(content);
  try {
    return utf8.decode(content);
  } catch {
    throw new DerError("a UTF8String is not UTF-8");
  }
}

/** UCS-2 (BMPString: no surrogate pairs) and UCS-4 (UniversalString), big endian. */
function decodeCodePoints(content: Uint8Array, width: 2 | 4): string {
  if (content.length % width !== 0) throw new DerError("a string ends in the middle of a character");
  let text = "";
  for (let offset = 0; offset < content.length; offset += width) {
    const codePoint = content.subarray(offset, offset + width).reduce((value, byte) => value * 256 + byte, 0);
    if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
      throw new DerError("a string holds something that is not a character");
    }
    text += String.fromCodePoint(codePoint);
  }
  return text;
}
