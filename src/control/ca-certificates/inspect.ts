/**
 * What an upload of a CA certificate refuses: a row of checks, and the first that fails says what is wrong and what to
 * do. OpenSSL judges chains at the edge; these checks are here so that a mistake is told to the one who makes it, and
 * not to every client of the account, or at every origin of the project.
 */
import "reflect-metadata";
import { X509Certificate } from "@peculiar/x509";
import type { Certificate } from "../../x509/certificate.ts";
import { isSameDistinguishedName } from "../../x509/distinguished-name.ts";
import { containsPrivateKey, encodePem } from "../../x509/pem.ts";
import {
  type CertificateDescription,
  checkExpiry,
  checkKeySize,
  describeCertificate,
  printName,
  type Refusal,
  readCertificates,
} from "../certificate-upload.ts";

/** Whose certificates the CA issues, as hints name them. */
export interface CaPurpose {
  issues: string;
  /** Who sends the intermediates */
  senders: string;
}

export const CLIENT_CA: CaPurpose = { issues: "your client certificates", senders: "clients" };
export const ORIGIN_CA: CaPurpose = { issues: "your origins' server certificates", senders: "origins" };

/** A CA certificate that may be trusted, and what is shown of it. */
interface InspectedCaCertificate extends CertificateDescription {
  /** PEM, encoded anew: what stood around the certificate in the file is gone */
  certificate: string;
  /** Empty without the extension */
  subjectKeyId: string;
}

type Inspection = { ok: true; inspected: InspectedCaCertificate } | { ok: false; refusal: Refusal };

/** `text` is the file as it was sent. Never throws. */
export async function inspectCaCertificate(text: string, now: Date, purpose = CLIENT_CA): Promise<Inspection> {
  const read = readOnlyCertificate(text, purpose);
  if ("code" in read) return { ok: false, refusal: read };
  const refusal =
    checkIsRoot(read, purpose) ??
    checkKeySize(read, "make a new CA with ECDSA P-256 or RSA 2048 or larger") ??
    checkExpiry(read, now, "upload the CA certificate that replaced it") ??
    (await checkSelfSignature(read));
  return refusal === undefined ? { ok: true, inspected: await describe(read) } : { ok: false, refusal };
}

async function describe(certificate: Certificate): Promise<InspectedCaCertificate> {
  return {
    certificate: encodePem("CERTIFICATE", certificate.der),
    subjectKeyId: certificate.subjectKeyIdentifier ?? "",
    ...(await describeCertificate(certificate)),
  };
}

function readOnlyCertificate(text: string, { senders }: CaPurpose): Certificate | Refusal {
  if (containsPrivateKey(text)) {
    return {
      code: "private_key_in_file",
      message: "the file holds a private key, which was not kept; only the CA certificate is wanted",
      hint: "send the certificate alone, and consider whether the key has to be replaced now that it was sent",
    };
  }
  const read = readCertificates(text, "ca");
  if (!read.ok) return read.refusal;
  const [only, ...others] = read.certificates;
  if (others.length === 0) return only;
  return {
    code: "several_certificates",
    message: `the file holds ${read.certificates.length} certificates, allowed is one`,
    hint: `upload each root CA certificate by itself; ${senders} send the intermediates`,
  };
}

function checkIsRoot(certificate: Certificate, { issues }: CaPurpose): Refusal | undefined {
  const subject = printName(certificate, "subject");
  const isRoot = isSameDistinguishedName(certificate.subject, certificate.issuer);
  const uploadInstead = isRoot
    ? `upload the root CA certificate that issues ${issues}`
    : `upload the root CA certificate instead; the way there is the certificate with the subject ${printName(certificate, "issuer")}`;
  if (!certificate.isCa || certificate.keyUsage?.includes("keyCertSign") === false) {
    const lacks = certificate.isCa ? "its key usage lacks keyCertSign" : "its basic constraints do not say CA:TRUE";
    return { code: "not_a_ca", message: `${subject} is not a CA certificate: ${lacks}`, hint: uploadInstead };
  }
  if (isRoot) return undefined;
  const message = `${subject} is not self-signed: its issuer is ${printName(certificate, "issuer")}`;
  return { code: "not_self_signed", message, hint: uploadInstead };
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
