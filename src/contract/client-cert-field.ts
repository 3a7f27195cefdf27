/**
 * The `Client-Cert` and `Client-Cert-Chain` fields of RFC 9440: DER certificates as structured-field byte sequences.
 * A field says nothing about verification, and on a request that a client sent it says nothing at all.
 */
import { parseItem, parseList, serializeItem, serializeList } from "structured-headers";
import { CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS, CLIENT_CERT_FIELD_MAX_CHARACTERS } from "./limits.ts";

export const CLIENT_CERT_FIELD = "client-cert";
export const CLIENT_CERT_CHAIN_FIELD = "client-cert-chain";

/**
 * Is `name` (lower case) one of the two fields, also in the spelling that CGI-like servers take for it
 * (RFC 3875, section 4.1.18)? RFC 9440, section 2.4: both are removed from what a client sent.
 */
export function isClientCertField(name: string): boolean {
  if (!name.startsWith("client")) return false;
  const normal = name.replaceAll("_", "-");
  return normal === CLIENT_CERT_FIELD || normal === CLIENT_CERT_CHAIN_FIELD;
}

/** `:base64DER:`, or undefined when that has more than {@link CLIENT_CERT_FIELD_MAX_CHARACTERS} characters. */
export function encodeClientCert(der: Uint8Array): string | undefined {
  if (countCharacters(der) > CLIENT_CERT_FIELD_MAX_CHARACTERS) return undefined;
  return serializeItem(new Uint8Array(der));
}

/**
 * `:…:, :…:` in the given order, which is empty for no certificates, or undefined when that has more than
 * {@link CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS} characters. The leaf does not belong into it.
 */
export function encodeClientCertChain(ders: readonly Uint8Array[]): string | undefined {
  const separators = ", ".length * Math.max(0, ders.length - 1);
  const characters = ders.reduce((sum, der) => sum + countCharacters(der), separators);
  if (characters > CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS) return undefined;
  return serializeList(ders.map((der) => [new Uint8Array(der), new Map()]));
}

/**
 * The bytes of a `Client-Cert` field. Undefined for anything but one byte sequence in canonical base64: a list (two
 * certificates claim to be the leaf), parameters, another type, an empty value.
 */
export function decodeClientCert(value: string): Uint8Array | undefined {
  try {
    const [bytes, parameters] = parseItem(value);
    const der = toBytes(bytes, parameters);
    return der && serializeItem(der) === value.trim() ? der : undefined;
  } catch {
    return undefined;
  }
}

/** The certificates of a `Client-Cert-Chain` field, at least one. Undefined for anything else than their list. */
export function decodeClientCertChain(value: string): Uint8Array[] | undefined {
  try {
    const ders: Uint8Array<ArrayBuffer>[] = [];
    for (const [bytes, parameters] of parseList(value)) {
      const der = Array.isArray(bytes) ? undefined : toBytes(bytes, parameters);
      if (der === undefined) return undefined;
      ders.push(der);
    }
    const isCanonical = ders.map((der) => serializeItem(der)).join(",") === value.replace(/[ \t]/g, "");
    return ders.length > 0 && isCanonical ? ders : undefined;
  } catch {
    return undefined;
  }
}

function toBytes(value: unknown, parameters: ReadonlyMap<string, unknown>): Uint8Array<ArrayBuffer> | undefined {
  if (!(value instanceof ArrayBuffer) || value.byteLength === 0 || parameters.size > 0) return undefined;
  return new Uint8Array(value);
}

/** Characters of one encoded byte sequence, colons included, known without encoding it. */
function countCharacters(der: Uint8Array): number {
  return 2 + 4 * Math.ceil(der.length / 3);
}
