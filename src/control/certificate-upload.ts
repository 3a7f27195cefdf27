/**
 * What every upload of a certificate goes through, whatever the certificate is for: PEM that can be read, a key that is
 * large enough, a life that is not over. Each check is a pure look at the file; nothing of the file is repeated in a
 * refusal but names that a certificate printed.
 */
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { encodeRfc2253 } from "../x509/distinguished-name.ts";
import { computeFingerprint, encodeColonFingerprint } from "../x509/fingerprint.ts";
import { type PemFailureCode, parsePem } from "../x509/pem.ts";
import type { ProblemCode } from "./problem.ts";

const RSA_MIN_BITS = 2048;
/** Certificates are 0.5 to 3 KiB. Every edge keeps every one of them in memory, several times over. */
const CERTIFICATE_MAX_BYTES = 16 * 1024;
const PRINTED_NAME_MAX_CHARACTERS = 256;

/** Why a file is not accepted, for a program and for a person. */
export interface Refusal {
  code: ProblemCode;
  message: string;
  hint: string;
}

/** What is shown of a certificate, and kept beside it. */
export interface CertificateDescription {
  /** RFC 2253 */
  subject: string;
  issuer: string;
  serialNumber: string;
  notBefore: string;
  notAfter: string;
  keyType: string;
  sha256Fingerprint: string;
}

export async function describeCertificate(certificate: Certificate): Promise<CertificateDescription> {
  return {
    subject: encodeRfc2253(certificate.subject),
    issuer: encodeRfc2253(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    keyType: certificate.publicKey.description,
    sha256Fingerprint: encodeColonFingerprint(await computeFingerprint(certificate.der, "SHA-256")),
  };
}

type CertificatesResult = { ok: true; certificates: [Certificate, ...Certificate[]] } | { ok: false; refusal: Refusal };

export const PEM_HINT =
  "give the file as PEM, with lines `-----BEGIN CERTIFICATE-----` and `-----END CERTIFICATE-----`";

/** Base64 of a SEQUENCE longer than 255 bytes: DER whose PEM lines are missing. */
const BARE_BASE64 = /^\s*MI[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** All certificates of a PEM file in its order; `fileName` is what commands in hints call it, without an ending. */
export function readCertificates(text: string, fileName: string): CertificatesResult {
  const pem = parsePem(text);
  if (!pem.ok) {
    const refusal = BARE_BASE64.test(text)
      ? refuseDer("base64 without PEM lines", fileName)
      : refusePem(pem.code, pem.reason, fileName);
    return { ok: false, refusal };
  }
  const certificates: Certificate[] = [];
  for (const { label, der } of pem.blocks) {
    if (label !== "CERTIFICATE") continue;
    const read = readDer(der, fileName);
    if (!read.ok) return read;
    certificates.push(read.certificate);
  }
  const [first, ...others] = certificates;
  return first === undefined
    ? { ok: false, refusal: refuseWithout("found are other PEM blocks") }
    : { ok: true, certificates: [first, ...others] };
}

function refuseWithout(found: string): Refusal {
  return { code: "no_certificate", message: `the file holds no certificate, ${found}`, hint: PEM_HINT };
}

function refuseDer(found: string, fileName: string): Refusal {
  return {
    code: "certificate_is_der",
    message: `the file is ${found}, allowed is PEM`,
    hint: `convert it: openssl x509 -inform der -in ${fileName}.cer -out ${fileName}.pem`,
  };
}

function refusePem(code: PemFailureCode, reason: string, fileName: string): Refusal {
  switch (code) {
    case "der":
      return refuseDer("DER", fileName);
    case "no_block":
      return refuseWithout("found is no PEM block");
    case "too_large":
    case "truncated":
    case "label_mismatch":
    case "bad_base64":
      return { code: "certificate_unreadable", message: `the file is not PEM: ${reason}`, hint: PEM_HINT };
  }
}

function readDer(der: Uint8Array, fileName: string) {
  const hint = `look at it with: openssl x509 -in ${fileName}.pem -noout -text`;
  if (der.length > CERTIFICATE_MAX_BYTES) {
    const message = `the certificate has ${der.length} bytes, allowed are ${CERTIFICATE_MAX_BYTES}`;
    return { ok: false, refusal: { code: "certificate_too_large", message, hint } } as const;
  }
  const result = readCertificate(der);
  if (result.ok) return result;
  const message = `the certificate cannot be read: ${result.reason}`;
  return { ok: false, refusal: { code: "certificate_unreadable", message, hint } } as const;
}

export function checkKeySize(certificate: Certificate, hint: string): Refusal | undefined {
  const { algorithm, bits = 0, description } = certificate.publicKey;
  if (!algorithm.startsWith("RSA") || bits >= RSA_MIN_BITS) return undefined;
  const found = `${printName(certificate, "subject")} has a key that is too small: ${description}`;
  return { code: "key_too_small", message: `${found}, allowed is ${RSA_MIN_BITS} bits or more`, hint };
}

export function checkExpiry(certificate: Certificate, now: Date, hint: string): Refusal | undefined {
  if (certificate.notAfter >= now) return undefined;
  return {
    code: "certificate_expired",
    message: `${printName(certificate, "subject")} has expired: it was valid until ${certificate.notAfter.toISOString()}`,
    hint,
  };
}

/** Escaped by RFC 2253, so printable ASCII in one line whatever the certificate says. */
export function printName(certificate: Certificate, which: "subject" | "issuer"): string {
  const name = encodeRfc2253(certificate[which]);
  const shown = name.length > PRINTED_NAME_MAX_CHARACTERS ? `${name.slice(0, PRINTED_NAME_MAX_CHARACTERS)}…` : name;
  return `"${shown}"`;
}

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Whole days to `notAfter`, negative after it. */
export function countDaysLeft(notAfter: string, now: Date): number {
  return Math.floor((Date.parse(notAfter) - now.getTime()) / DAY_MILLISECONDS);
}
