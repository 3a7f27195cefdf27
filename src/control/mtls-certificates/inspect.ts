/**
 * What an upload of a client certificate for origins refuses, beyond what every certificate has to be: a chain whose
 * order a TLS client could not send, and a leaf that no origin would accept from a client. Whether an origin trusts the
 * issuer is known there only.
 */
import "reflect-metadata";
import { X509Certificate } from "@peculiar/x509";
import type { Certificate } from "../../x509/certificate.ts";
import { isSameDistinguishedName } from "../../x509/distinguished-name.ts";
import { containsPrivateKey, encodePem } from "../../x509/pem.ts";
import type { Warning } from "../ca-certificates/schema.ts";
import {
  type CertificateDescription,
  checkExpiry,
  checkKeySize,
  describeCertificate,
  printName,
  type Refusal,
  readCertificates,
} from "../certificate-upload.ts";

/** OpenSSL's default depth is far more, an ALB's is 4; each goes into every handshake. */
const CHAIN_MAX_CERTIFICATES = 10;

export interface InspectedChain {
  /** What a row keeps of it */
  row: CertificateDescription & { certificate: string };
  leaf: Certificate;
}

type Inspection = { ok: true; inspected: InspectedChain } | { ok: false; refusal: Refusal };

/** `text` is the file as it was sent: the leaf, then its intermediates. Never throws. */
export async function inspectClientCertificate(text: string, now: Date): Promise<Inspection> {
  if (containsPrivateKey(text)) return { ok: false, refusal: KEY_IN_FILE };
  const read = readCertificates(text, "client-cert");
  if (!read.ok) return read;
  const { certificates } = read;
  const [leaf] = certificates;
  const refusal =
    checkLength(certificates) ??
    (await checkOrder(certificates)) ??
    findRefusal(certificates, (one) => checkKeySize(one, "have it issued for ECDSA P-256 or RSA 2048 or larger")) ??
    findRefusal(certificates, (one) => checkExpiry(one, now, "upload the certificate that replaced it")) ??
    checkPurpose(leaf);
  if (refusal !== undefined) return { ok: false, refusal };
  const certificate = certificates.map(({ der }) => encodePem("CERTIFICATE", der)).join("");
  return { ok: true, inspected: { row: { certificate, ...(await describeCertificate(leaf)) }, leaf } };
}

const KEY_IN_FILE: Refusal = {
  code: "private_key_in_file",
  message: "the file holds a private key beside the certificates; certificates are kept readable, keys are not",
  hint: "send the certificates alone here, and the private key as `privateKey`",
};

function findRefusal<Item>(items: readonly Item[], check: (item: Item) => Refusal | undefined): Refusal | undefined {
  for (const item of items) {
    const refusal = check(item);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function checkLength({ length }: readonly Certificate[]): Refusal | undefined {
  if (length <= CHAIN_MAX_CERTIFICATES) return undefined;
  return {
    code: "too_many_certificates",
    message: `the file holds ${length} certificates, allowed are ${CHAIN_MAX_CERTIFICATES}`,
    hint: "send the client certificate and the intermediates above it; the root may be left out",
  };
}

/** RFC 8446, section 4.4.2: each certificate is followed by the one that certifies it. */
async function checkOrder(certificates: readonly Certificate[]): Promise<Refusal | undefined> {
  for (const [index, issuer] of certificates.slice(1).entries()) {
    const certificate = certificates[index];
    if (certificate === undefined) continue;
    const isNext = isSameDistinguishedName(certificate.issuer, issuer.subject);
    if (isNext && (await isSignedBy(certificate, issuer))) continue;
    const found = isNext
      ? `${printName(certificate, "subject")} is not signed by the ${printName(issuer, "subject")} that follows it`
      : `${printName(certificate, "subject")} was issued by ${printName(certificate, "issuer")}, but ${printName(issuer, "subject")} follows it`;
    return {
      code: "chain_out_of_order",
      message: found,
      hint: "put the client certificate first, then the certificate that issued it, and so on; the root may be left out",
    };
  }
  return undefined;
}

/** An algorithm that is not known here is left to the origin. */
async function isSignedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  try {
    const publicKey = new X509Certificate(issuer.der);
    return await new X509Certificate(certificate.der).verify({ publicKey, signatureOnly: true });
  } catch {
    return true;
  }
}

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const ANY_PURPOSE = "2.5.29.37.0";

/** What OpenSSL calls "unsuitable certificate purpose" at the origin. A certificate without the extension is fine. */
function checkPurpose(leaf: Certificate): Refusal | undefined {
  const purposes = leaf.extendedKeyUsage;
  if (purposes === undefined || purposes.includes(CLIENT_AUTH) || purposes.includes(ANY_PURPOSE)) return undefined;
  return {
    code: "not_for_client_authentication",
    message: `${printName(leaf, "subject")} is not for client authentication: its extended key usage lacks clientAuth`,
    hint: "have it issued with extendedKeyUsage = clientAuth; a server's certificate is another one",
  };
}

/** What is allowed, and yet worth a word to the one who uploads it. */
export function findWarnings(name: string, leaf: Certificate, now: Date): Warning[] {
  const warnings: Warning[] = [];
  if (leaf.notBefore > now) {
    const message = `"${name}" is not valid before ${leaf.notBefore.toISOString()}: until then origins reject it`;
    warnings.push({ code: "not_yet_valid", message });
  }
  if (leaf.extendedKeyUsage?.includes(CLIENT_AUTH) === false) {
    const message = `"${name}" is for any purpose and does not name clientAuth: origins that use OpenSSL reject it`;
    warnings.push({ code: "any_purpose", message });
  }
  return warnings;
}
