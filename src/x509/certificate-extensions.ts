/**
 * Reads the extensions of a certificate (RFC 5280, section 4.2.1) that say who it names and what it may be used for.
 * Whether they permit a use is OpenSSL's verdict; here they are made visible.
 */
import { decodeLatin1 } from "./attribute-value.ts";
import {
  type DerElement,
  DerError,
  DerTag,
  expectDer,
  readDer,
  readDerBoolean,
  readDerChildren,
  readDerSmallInteger,
} from "./der.ts";
import { encodeUppercaseHex } from "./hex.ts";
import { formatIpAddress } from "./ip-address.ts";
import { decodeObjectIdentifier } from "./object-identifier.ts";

/** The values of extnValue by dotted OID. */
export type Extensions = ReadonlyMap<string, Uint8Array>;

/**
 * Names as they stand in the certificate, each byte a character: a NUL or a letter outside ASCII stays visible and
 * makes a name that no rule can match.
 */
export interface SubjectAlternativeNames {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  /** `10.0.0.1`, `2001:db8::1` */
  readonly ip: readonly string[];
  /** How many names of other kinds there are, IP addresses of odd lengths included */
  readonly otherCount: number;
}

export interface CertificateExtensions {
  readonly subjectKeyIdentifier: string | undefined;
  readonly authorityKeyIdentifier: string | undefined;
  readonly subjectAlternativeNames: SubjectAlternativeNames;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly keyUsage: readonly KeyUsage[] | undefined;
}

/** RFC 5280, section 4.2.1.3, in the order of the bits. */
const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/**
 * Reads `Extensions`.
 * @throws DerError also when one occurs twice: readers that take the first would disagree with those that take the last
 */
export function readExtensions(element: DerElement): Extensions {
  const extensions = new Map<string, Uint8Array>();
  for (const extension of readDerChildren(expectDer(element, DerTag.sequence, "the extensions"))) {
    const parts = readDerChildren(expectDer(extension, DerTag.sequence, "an extension"));
    const oid = decodeObjectIdentifier(parts[0], "an extension's type");
    const isCriticalGiven = parts[1]?.tag === DerTag.boolean;
    if (parts.length !== (isCriticalGiven ? 3 : 2)) throw new DerError(`extension ${oid} has ${parts.length} parts`);
    if (extensions.has(oid)) throw new DerError(`extension ${oid} occurs twice`);
    extensions.set(oid, expectDer(parts.at(-1), DerTag.octetString, `extension ${oid}`).content);
  }
  return extensions;
}

/** @throws DerError */
export function decodeExtensions(extensions: Extensions): CertificateExtensions {
  const read = <T>(oid: string, decode: (element: DerElement) => T): T | undefined => {
    const value = extensions.get(oid);
    return value === undefined ? undefined : decode(readDer(value));
  };
  return {
    subjectKeyIdentifier: read("2.5.29.14", decodeSubjectKeyIdentifier),
    authorityKeyIdentifier: read("2.5.29.35", decodeAuthorityKeyIdentifier),
    subjectAlternativeNames: read("2.5.29.17", decodeAlternativeNames) ?? NO_ALTERNATIVE_NAMES,
    ...(read("2.5.29.19", decodeBasicConstraints) ?? { isCa: false, pathLength: undefined }),
    extendedKeyUsage: read("2.5.29.37", decodeExtendedKeyUsage),
    keyUsage: read("2.5.29.15", decodeKeyUsage),
  };
}

const NO_ALTERNATIVE_NAMES: SubjectAlternativeNames = { dns: [], uri: [], email: [], ip: [], otherCount: 0 };

function decodeSubjectKeyIdentifier(element: DerElement): string {
  return encodeUppercaseHex(expectDer(element, DerTag.octetString, "subjectKeyIdentifier").content);
}

function decodeAuthorityKeyIdentifier(element: DerElement): string | undefined {
  const parts = readDerChildren(expectDer(element, DerTag.sequence, "authorityKeyIdentifier"));
  const keyIdentifier = parts.find((part) => part.tag === 0x80);
  return keyIdentifier === undefined ? undefined : encodeUppercaseHex(keyIdentifier.content);
}

function decodeBasicConstraints(element: DerElement): { isCa: boolean; pathLength: number | undefined } {
  const parts = readDerChildren(expectDer(element, DerTag.sequence, "basicConstraints"));
  const ca = parts[0]?.tag === DerTag.boolean ? parts.shift() : undefined;
  const [pathLength, extra] = parts;
  if (extra !== undefined) throw new DerError("basicConstraints has more than two parts");
  return {
    isCa: ca !== undefined && readDerBoolean(ca, "basicConstraints.cA"),
    pathLength: pathLength && readDerSmallInteger(pathLength, "basicConstraints.pathLenConstraint"),
  };
}

function decodeExtendedKeyUsage(element: DerElement): string[] {
  const purposes = readDerChildren(expectDer(element, DerTag.sequence, "extendedKeyUsage"));
  return purposes.map((purpose) => decodeObjectIdentifier(purpose, "a key purpose"));
}

function decodeKeyUsage(element: DerElement): KeyUsage[] {
  const bits = expectDer(element, DerTag.bitString, "keyUsage").content.subarray(1);
  return KEY_USAGES.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

/** Context tags of GeneralName (RFC 5280, section 4.2.1.6). */
const NAME_KINDS = new Map([
  [0x81, "email"],
  [0x82, "dns"],
  [0x86, "uri"],
  [0x87, "ip"],
] as const);

function decodeAlternativeNames(element: DerElement): SubjectAlternativeNames {
  const names = { dns: [] as string[], uri: [] as string[], email: [] as string[], ip: [] as string[] };
  let otherCount = 0;
  for (const { tag, content } of readDerChildren(expectDer(element, DerTag.sequence, "subjectAltName"))) {
    const kind = NAME_KINDS.get(tag as 0x81);
    const name = kind === "ip" ? formatIpAddress(content) : decodeLatin1(content);
    if (kind === undefined || name === undefined) otherCount++;
    else names[kind].push(name);
  }
  return { ...names, otherCount };
}
