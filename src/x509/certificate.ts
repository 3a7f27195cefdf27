/**
 * Reads an X.509 certificate (RFC 5280) into what policies, logs and uploads look at. Reading is not verifying: nothing
 * here is to be believed before OpenSSL has accepted the chain. Fed with what a stranger sends, so every failure is
 * a value, and what a careless reader could take for something else (a NUL, two extensions of one type) stays
 * visible or is refused.
 */
import {
  type CertificateExtensions,
  decodeExtensions,
  type Extensions,
  readExtensions,
} from "./certificate-extensions.ts";
import { type DerElement, DerError, DerTag, expectDer, readDer, readDerChildren, readDerSmallInteger } from "./der.ts";
import { type DistinguishedName, readDistinguishedName } from "./distinguished-name.ts";
import { encodeUppercaseHex } from "./hex.ts";
import { describePublicKey, type PublicKeyDescription } from "./public-key.ts";
import { decodeTime } from "./time.ts";

export interface Certificate extends CertificateExtensions {
  /** The whole certificate, a copy */
  readonly der: Uint8Array<ArrayBuffer>;
  readonly version: 1 | 2 | 3;
  /** Uppercase hex as OpenSSL prints it: pairs of digits, without the sign's zero byte; `-` before a negative one */
  readonly serialNumber: string;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKeyDescription;
  /** SubjectPublicKeyInfo */
  readonly publicKeyDer: Uint8Array;
  /** Subject and issuer are the same bytes; who signed is not looked at */
  readonly isSelfIssued: boolean;
}

export type CertificateResult = { ok: true; certificate: Certificate } | { ok: false; reason: string };

/** Reads the one DER certificate that `der` consists of. Never throws. */
export function readCertificate(der: Uint8Array): CertificateResult {
  try {
    return { ok: true, certificate: decodeCertificate(new Uint8Array(der)) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The subject of a certificate without reading the rest, undefined when even that fails. */
export function readSubject(der: Uint8Array): DistinguishedName | undefined {
  try {
    return readDistinguishedName(readFields(new Uint8Array(der)).subject);
  } catch {
    return undefined;
  }
}

function decodeCertificate(der: Uint8Array<ArrayBuffer>): Certificate {
  const fields = readFields(der);
  const [notBefore, notAfter] = readDerChildren(expectDer(fields.validity, DerTag.sequence, "validity"));
  return Object.freeze({
    der,
    version: fields.version,
    serialNumber: formatSerialNumber(expectDer(fields.serialNumber, DerTag.integer, "serialNumber").content),
    issuer: readDistinguishedName(fields.issuer),
    subject: readDistinguishedName(fields.subject),
    notBefore: decodeTime(notBefore, "notBefore"),
    notAfter: decodeTime(notAfter, "notAfter"),
    publicKey: describePublicKey(fields.publicKey),
    publicKeyDer: fields.publicKey.bytes,
    isSelfIssued: isSameBytes(fields.subject.bytes, fields.issuer.bytes),
    ...decodeExtensions(fields.extensions),
  });
}

interface Fields {
  version: 1 | 2 | 3;
  serialNumber: DerElement;
  issuer: DerElement;
  validity: DerElement;
  subject: DerElement;
  publicKey: DerElement;
  extensions: Extensions;
}

/** Takes Certificate and TBSCertificate apart, without looking into names and key. */
function readFields(der: Uint8Array): Fields {
  const [tbs, algorithm, signature, extra] = readDerChildren(
    expectDer(readDer(der), DerTag.sequence, "the certificate"),
  );
  expectDer(algorithm, DerTag.sequence, "signatureAlgorithm");
  // OpenSSL drops bits that are declared unused: the certificate that it shows would be another one than was read here.
  if (expectDer(signature, DerTag.bitString, "signatureValue").content[0] !== 0) {
    throw new DerError("signatureValue is not whole bytes");
  }
  if (extra !== undefined) throw new DerError("the certificate has more than three parts");

  const parts = readDerChildren(expectDer(tbs, DerTag.sequence, "tbsCertificate"));
  const version = parts[0]?.tag === EXPLICIT_VERSION ? readVersion(parts.shift()) : 1;
  const [serialNumber, signatureInside, issuer, validity, subject, publicKey, ...optional] = parts;
  expectDer(signatureInside, DerTag.sequence, "signature");
  return {
    version,
    serialNumber: expectDer(serialNumber, DerTag.integer, "serialNumber"),
    issuer: expectDer(issuer, DerTag.sequence, "issuer"),
    validity: expectDer(validity, DerTag.sequence, "validity"),
    subject: expectDer(subject, DerTag.sequence, "subject"),
    publicKey: expectDer(publicKey, DerTag.sequence, "subjectPublicKeyInfo"),
    extensions: readOptionalFields(optional),
  };
}

const EXPLICIT_VERSION = 0xa0;
const UNIQUE_IDENTIFIERS = [0x81, 0x82];
const EXPLICIT_EXTENSIONS = 0xa3;

function readVersion(element: DerElement | undefined): 1 | 2 | 3 {
  const [number, extra] = readDerChildren(expectDer(element, EXPLICIT_VERSION, "version"));
  const version = readDerSmallInteger(number, "version") + 1;
  if (extra !== undefined || (version !== 1 && version !== 2 && version !== 3))
    throw new DerError("version is unknown");
  return version;
}

/** issuerUniqueID, subjectUniqueID and extensions: each at most once and in this order. */
function readOptionalFields(parts: DerElement[]): Extensions {
  const remaining = [...parts];
  for (const tag of UNIQUE_IDENTIFIERS) {
    if (remaining[0]?.tag === tag) remaining.shift();
  }
  const [extensions, extra] = remaining;
  if (extensions === undefined) return new Map();
  const [list, second] = readDerChildren(expectDer(extensions, EXPLICIT_EXTENSIONS, "extensions"));
  if (extra !== undefined || second !== undefined || list === undefined) {
    throw new DerError("something that is not known stands after the public key");
  }
  return readExtensions(list);
}

function formatSerialNumber(content: Uint8Array): string {
  const [first] = content;
  if (first === undefined) throw new DerError("serialNumber is empty");
  if (first < 0x80) return encodeUppercaseHex(first === 0 && content.length > 1 ? content.subarray(1) : content);
  const bits = 8 * content.length;
  const magnitude = (-BigInt.asIntN(bits, BigInt(`0x${encodeUppercaseHex(content)}`))).toString(16).toUpperCase();
  return `-${magnitude.padStart(magnitude.length + (magnitude.length % 2), "0")}`;
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
