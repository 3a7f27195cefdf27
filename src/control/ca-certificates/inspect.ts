/**
 * What an upload of a CA certificate refuses: a row of checks, each a pure look at the file, and the first that fails
 * says what is wrong and what to do. OpenSSL judges chains at the edge; these checks are here so that a mistake is told
 * to the one who makes it, and not to every client of the account. Nothing of the file is repeated in a refusal but
 * names that a certificate printed.
 */
import "reflect-metadata";
import { X509Certificate } from "@peculiar/x509";
import { type Certificate, readCertificate } from "../../x509/certificate.ts";
import { encodeRfc2253, isSameDistinguishedName } from "../../x509/distinguished-name.ts";
import { computeFingerprint, encodeColonFingerprint } from "../../x509/fingerprint.ts";
import { containsPrivateKey, encodePem, type PemFailureCode, parsePem } from "../../x509/pem.ts";
import type { ProblemCode } from "../problem.ts";

const RSA_MIN_BITS = 2048;
/** Roots are 0.5 to 3 KiB. Every edge keeps every one of them in memory, several times over. */
const CERTIFICATE_MAX_BYTES = 16 * 1024;
const PRINTED_NAME_MAX_CHARACTERS = 256;

interface Refusal {
  code: ProblemCode;
  message: string;
  hint: string;
}

/** A CA certificate that may be trusted, and what is shown of it. */
interface InspectedCaCertificate {
  /** PEM, encoded anew: what stood around the certificate in the file is gone */
  certificate: string;
  /** RFC 2253 */
  subject: string;
  issuer: string;
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
  keyType: string;
  /** Empty without the extension */
  subjectKeyId: string;
  sha256Fingerprint: string;
}

type Inspection = { ok: true; inspected: InspectedCaCertificate } | { ok: false; refusal: Refusal };

/** `text` is the file as it was sent. Never throws. */
export async function inspectCaCertificate(text: string, now: Date): Promise<Inspection> {
  const read = readOnlyCertificate(text);
  if ("code" in read) return { ok: false, refusal: read };
  const refusal = checkIsRoot(read) ?? checkKey(read) ?? checkExpiry(read, now) ?? (await checkSelfSignature(read));
  return refusal === undefined ? { ok: true, inspected: await describe(read) } : { ok: false, refusal };
}

async function describe(certificate: Certificate): Promise<InspectedCaCertificate> {
  return {
    certificate: encodePem("CERTIFICATE", certificate.der),
    subject: encodeRfc2253(certificate.subject),
    issuer: encodeRfc2253(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    keyType: certificate.publicKey.description,
    subjectKeyId: certificate.subjectKeyIdentifier ?? "",
    sha256Fingerprint: encodeColonFingerprint(await computeFingerprint(certificate.der, "SHA-256")),
  };
}

const PEM_HINT = "give the file as PEM, with lines `-----BEGIN CERTIFICATE-----` and `-----END CERTIFICATE-----`";
const CONVERT_HINT = "convert it: openssl x509 -inform der -in ca.cer -out ca.pem";

/** Base64 of a SEQUENCE longer than 255 bytes: DER whose PEM lines are missing. */
const BARE_BASE64 = /^\s*MI[A-Za-z0-9+/\s]+={0,2}\s*$/;

function readOnlyCertificate(text: string): Certificate | Refusal {
  if (containsPrivateKey(text)) {
    return {
      code: "private_key_in_file",
      message: "the file holds a private key, which was not kept; only the CA certificate is wanted",
      hint: "send the certificate alone, and consider whether the key has to be replaced now that it was sent",
    };
  }
  const pem = parsePem(text);
  if (!pem.ok) return BARE_BASE64.test(text) ? refuseDer("base64 without PEM lines") : refusePem(pem.code, pem.reason);
  const certificates = pem.blocks.filter(({ label }) => label === "CERTIFICATE");
  const [only, second] = certificates;
  if (only === undefined) {
    return {
      code: "no_certificate",
      message: "the file holds no certificate, found are other PEM blocks",
      hint: PEM_HINT,
    };
  }
  if (second !== undefined) {
    return {
      code: "several_certificates",
      message: `the file holds ${certificates.length} certificates, allowed is one`,
      hint: "upload each root CA certificate by itself; clients send the intermediates",
    };
  }
  return readDer(only.der);
}

function refuseDer(found: string): Refusal {
  return { code: "certificate_is_der", message: `the file is ${found}, allowed is PEM`, hint: CONVERT_HINT };
}

function refusePem(code: PemFailureCode, reason: string): Refusal {
  switch (code) {
    case "der":
      return refuseDer("DER");
    case "no_block":
      return {
        code: "no_certificate",
        message: "the file holds no certificate, found is no PEM block",
        hint: PEM_HINT,
      };
    case "too_large":
    case "truncated":
    case "label_mismatch":
    case "bad_base64":
      return { code: "certificate_unreadable", message: `the file is not PEM: ${reason}`, hint: PEM_HINT };
  }
}

function readDer(der: Uint8Array): Certificate | Refusal {
  const hint = "look at it with: openssl x509 -in ca.pem -noout -text";
  if (der.length > CERTIFICATE_MAX_BYTES) {
    const message = `the certificate has ${der.length} bytes, allowed are ${CERTIFICATE_MAX_BYTES}`;
    return { code: "certificate_too_large", message, hint };
  }
  const result = readCertificate(der);
  if (result.ok) return result.certificate;
  return { code: "certificate_unreadable", message: `the certificate cannot be read: ${result.reason}`, hint };
}

function checkIsRoot(certificate: Certificate): Refusal | undefined {
  const subject = printName(certificate, "subject");
  const isRoot = isSameDistinguishedName(certificate.subject, certificate.issuer);
  const uploadInstead = isRoot
    ? "upload the root CA certificate that issues your client certificates"
    : `upload the root CA certificate instead; the way there is the certificate with the subject ${printName(certificate, "issuer")}`;
  if (!certificate.isCa || certificate.keyUsage?.includes("keyCertSign") === false) {
    const lacks = certificate.isCa ? "its key usage lacks keyCertSign" : "its basic constraints do not say CA:TRUE";
    return { code: "not_a_ca", message: `${subject} is not a CA certificate: ${lacks}`, hint: uploadInstead };
  }
  if (isRoot) return undefined;
  const message = `${subject} is not self-signed: its issuer is ${printName(certificate, "issuer")}`;
  return { code: "not_self_signed", message, hint: uploadInstead };
}

function checkKey(certificate: Certificate): Refusal | undefined {
  const { algorithm, bits = 0, description } = certificate.publicKey;
  if (!algorithm.startsWith("RSA") || bits >= RSA_MIN_BITS) return undefined;
  return {
    code: "key_too_small",
    message: `${printName(certificate, "subject")} has a key that is too small: ${description}, allowed is ${RSA_MIN_BITS} bits or more`,
    hint: "make a new CA with ECDSA P-256 or RSA 2048 or larger",
  };
}

function checkExpiry(certificate: Certificate, now: Date): Refusal | undefined {
  if (certificate.notAfter >= now) return undefined;
  return {
    code: "certificate_expired",
    message: `${printName(certificate, "subject")} has expired: it was valid until ${certificate.notAfter.toISOString()}`,
    hint: "upload the CA certificate that replaced it",
  };
}

/** A name proves nothing: a certificate with equal subject and issuer can be signed by another key of that name. */
async function checkSelfSignature(certificate: Certificate): Promise<Refusal | undefined> {
  const subject = printName(certificate, "subject");
  try {
    if (await new X509Certificate(certificate.der).verify({ signatureOnly: true })) return undefined;
  } catch {
    return {
      code: "signature_algorithm_unsupported",
      message: `${subject} has a signature that cannot be checked here: its key is ${certificate.publicKey.description}`,
      hint: "allowed are RSA (PKCS#1 v1.5 or PSS), ECDSA P-256, P-384 and P-521, and Ed25519",
    };
  }
  return {
    code: "self_signature_invalid",
    message: `${subject} is not signed by its own key`,
    hint: `upload the root CA certificate instead: one whose subject is ${subject} too, but which is signed by itself`,
  };
}

/** Escaped by RFC 2253, so printable ASCII in one line whatever the certificate says. */
function printName(certificate: Certificate, which: "subject" | "issuer"): string {
  const name = encodeRfc2253(certificate[which]);
  const shown = name.length > PRINTED_NAME_MAX_CHARACTERS ? `${name.slice(0, PRINTED_NAME_MAX_CHARACTERS)}…` : name;
  return `"${shown}"`;
}
