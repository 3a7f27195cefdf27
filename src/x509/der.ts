/**
 * Reads DER (ITU-T X.690) strictly: definite lengths in their shortest form, one-byte tags, nothing after the end.
 * Our own hundred lines, because names need the exact bytes and string types of their parts, and because a client
 * chooses how much of this an edge has to read: for one certificate asn1js took 170 µs, @peculiar/asn1-x509 310 µs, all
 * of certificate.ts on top of this 23 µs (Node 24, best of twelve rounds of 500).
 * Elements are views into the bytes they were read from, so whoever keeps them reads from a copy of its own.
 */

/** Identifier octets (X.690, 8.1.2) of the universal types that certificates are made of. */
export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Thrown for bytes that are not what they should be; the functions that other parts call turn it into a value. */
export class DerError extends Error {
  override readonly name = "DerError";
}

export interface DerElement {
  /** The identifier octet: class, constructed bit and tag number */
  readonly tag: number;
  /** Identifier, length and content */
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
}

/**
 * Reads the one element that `bytes` consist of.
 * @throws DerError also when anything follows it
 */
export function readDer(bytes: Uint8Array): DerElement {
  const element = readElementAt(bytes, 0);
  if (element.bytes.length !== bytes.length) {
    throw new DerError(`${bytes.length - element.bytes.length} bytes follow the element`);
  }
  return element;
}

/**
 * The elements inside a constructed one, in order.
 * @throws DerError
 */
export function readDerChildren(parent: DerElement): DerElement[] {
  const children: DerElement[] = [];
  for (let offset = 0; offset < parent.content.length; ) {
    const child = readElementAt(parent.content, offset);
    children.push(child);
    offset += child.bytes.length;
  }
  return children;
}

/**
 * `element` when it has this tag.
 * @throws DerError that calls it by the name `what`
 */
export function expectDer(element: DerElement | undefined, tag: number, what: string): DerElement {
  if (element === undefined) throw new DerError(`${what} is missing`);
  if (element.tag !== tag) {
    throw new DerError(`${what} has tag 0x${element.tag.toString(16)}, expected is 0x${tag.toString(16)}`);
  }
  return element;
}

/** @throws DerError for anything but the two values that DER knows */
export function readDerBoolean(element: DerElement, what: string): boolean {
  const { content } = expectDer(element, DerTag.boolean, what);
  if (content.length !== 1 || (content[0] !== 0x00 && content[0] !== 0xff)) {
    throw new DerError(`${what} is neither true nor false`);
  }
  return content[0] === 0xff;
}

/** @throws DerError for a negative number and one of more than four bytes */
export function readDerSmallInteger(element: DerElement | undefined, what: string): number {
  const { content } = expectDer(element, DerTag.integer, what);
  if (content.length < 1 || content.length > 4 || (content[0] ?? 0) > 0x7f) {
    throw new DerError(`${what} is not a small number`);
  }
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** Writes one element with the shortest length. */
export function encodeDer(tag: number, content: Uint8Array): Uint8Array {
  return Uint8Array.from([tag, ...encodeLength(content.length), ...content]);
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

function readElementAt(bytes: Uint8Array, offset: number): DerElement {
  const tag = bytes[offset];
  if (tag === undefined) throw new DerError("an element is missing");
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag number is over 30");
  const { start, length } = readLength(bytes, offset + 1);
  const end = start + length;
  if (end > bytes.length) throw new DerError(`an element is ${end - bytes.length} bytes longer than what is there`);
  return { tag, bytes: bytes.subarray(offset, end), content: bytes.subarray(start, end) };
}

const LENGTH_MAX_BYTES = 4;

function readLength(bytes: Uint8Array, offset: number): { start: number; length: number } {
  const first = bytes[offset];
  if (first === undefined) throw new DerError("a length is missing");
  if (first < 0x80) return { start: offset + 1, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > LENGTH_MAX_BYTES) throw new DerError("a length is indefinite or over four bytes");
  let length = 0;
  for (let index = 1; index <= count; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) throw new DerError("a length is cut off");
    length = length * 256 + byte;
  }
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("a length is not in its shortest form");
  return { start: offset + 1 + count, length };
}
