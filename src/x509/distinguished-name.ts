/**
 * Distinguished names as structure: read from certificates (X.501, RFC 5280 section 4.1.2.4) or from text, compared
 * attribute by attribute. A name is never compared as a printed string: two names can print alike in one notation
 * and a printed name can be cut or forged in another.
 */
import { type AttributeValue, decodeAttributeValue } from "./attribute-value.ts";
import { type DerElement, DerError, DerTag, expectDer, readDer, readDerChildren } from "./der.ts";
import { encodeHex } from "./hex.ts";
import { decodeObjectIdentifier } from "./object-identifier.ts";

export { type DistinguishedNameResult, parseDistinguishedName } from "./distinguished-name-parser.ts";
export { encodeCommaSpace, encodeLegacy, encodeRfc2253 } from "./distinguished-name-printer.ts";

export interface AttributeTypeAndValue {
  /** Dotted OID */
  readonly type: string;
  readonly value: AttributeValue;
}

/** A set, in the order of its encoding; more than one member is a multi-valued RDN. Never empty. */
export type RelativeDistinguishedName = readonly AttributeTypeAndValue[];

/** In the order of the encoding: country first, common name last, the reverse of RFC 4514's notation. */
export interface DistinguishedName {
  readonly rdns: readonly RelativeDistinguishedName[];
}

export type DecodedName = { ok: true; name: DistinguishedName } | { ok: false; reason: string };

/** Reads a DER `Name`. A name without RDNs is a name; one with an empty RDN or a broken string is not. */
export function decodeDistinguishedName(der: Uint8Array): DecodedName {
  try {
    return { ok: true, name: readDistinguishedName(readDer(new Uint8Array(der))) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * For readers of larger structures; {@link decodeDistinguishedName} is the one that never throws.
 * @throws DerError
 */
export function readDistinguishedName(element: DerElement): DistinguishedName {
  const rdns = readDerChildren(expectDer(element, DerTag.sequence, "a name")).map(readRelativeDistinguishedName);
  return Object.freeze({ rdns: Object.freeze(rdns) });
}

function readRelativeDistinguishedName(element: DerElement): RelativeDistinguishedName {
  const attributes = readDerChildren(expectDer(element, DerTag.set, "an RDN")).map(readAttribute);
  if (attributes.length === 0) throw new DerError("an RDN is empty");
  return Object.freeze(attributes);
}

function readAttribute(element: DerElement): AttributeTypeAndValue {
  const [type, value, extra] = readDerChildren(expectDer(element, DerTag.sequence, "an attribute"));
  if (value === undefined || extra !== undefined) throw new DerError("an attribute is not one type and one value");
  return Object.freeze({
    type: decodeObjectIdentifier(type, "an attribute type"),
    value: decodeAttributeValue(value),
  });
}

/**
 * Whether both are the same name: RDNs in the same order; within a multi-valued RDN in any order; types by OID; text
 * without regard to case, runs of spaces and outer spaces; other values byte for byte. An empty name is the same as
 * an empty name only.
 */
export function isSameDistinguishedName(a: DistinguishedName, b: DistinguishedName): boolean {
  return a.rdns.length === b.rdns.length && encodeComparisonKey(a) === encodeComparisonKey(b);
}

/** A string that two names share exactly when they are the same: for a set of allowed names. Not for printing. */
export function encodeComparisonKey(name: DistinguishedName): string {
  return JSON.stringify(name.rdns.map((rdn) => rdn.map(encodeAttributeKey).sort()));
}

function encodeAttributeKey({ type, value }: AttributeTypeAndValue): string {
  return value.text === undefined ? `${type}#${encodeHex(value.der)}` : `${type}=${foldText(value.text)}`;
}

/**
 * Only U+0020 is a space: a tab, a no-break space or a zero-width one is part of the value. No Unicode normalisation:
 * NFC already makes the Kelvin sign a K, NFKC also the full-width letters, and what looks alike must not be alike.
 */
function foldText(text: string): string {
  const spaced = text.replace(/ +/g, " ");
  const start = spaced.startsWith(" ") ? 1 : 0;
  return foldCase(spaced.endsWith(" ") ? spaced.slice(start, -1) : spaced.slice(start));
}

const NOT_ASCII = /[^\0-\x7f]/;

function foldCase(text: string): string {
  return NOT_ASCII.test(text) ? Array.from(text, foldCharacter).join("") : text.toLowerCase();
}

/**
 * Folds a letter only when it is the one capital of its small letter, so that nothing but É and é, Ж and ж and such
 * pairs become the same; the Kelvin sign (small: k), the long s and the dotted capital I stay themselves.
 */
function foldCharacter(character: string): string {
  const small = character.toLowerCase();
  return small.toUpperCase() === character ? small : character;
}
