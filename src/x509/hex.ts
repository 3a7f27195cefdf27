/** Bytes as hexadecimal digits, in the two spellings that certificates are described in. */

const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** `a1b2…` */
export function encodeHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += BYTES[byte];
  return text;
}

/** `A1B2…` */
export function encodeUppercaseHex(bytes: Uint8Array): string {
  return encodeHex(bytes).toUpperCase();
}

/** Undefined for an odd number of digits or anything that is not one. */
export function decodeHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}
