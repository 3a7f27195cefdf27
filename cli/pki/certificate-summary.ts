/** What is said about a certificate that was just made. */
import { X509Certificate } from "node:crypto";
import { readCertificate } from "../../src/x509/certificate.ts";
import { encodeRfc2253 } from "../../src/x509/distinguished-name.ts";

export interface CertificateSummary {
  /** RFC 2253, like the issuer */
  subject: string;
  issuer: string;
  /** ISO 8601 */
  notAfter: string;
  sha256Fingerprint: string;
}

export function describeCertificate(pem: string): CertificateSummary {
  const { raw, fingerprint256 } = new X509Certificate(pem);
  const result = readCertificate(raw);
  if (!result.ok) throw new Error(`a certificate that was just made cannot be read: ${result.reason}`);
  const { subject, issuer, notAfter } = result.certificate;
  return {
    subject: encodeRfc2253(subject),
    issuer: encodeRfc2253(issuer),
    notAfter: notAfter.toISOString(),
    sha256Fingerprint: fingerprint256,
  };
}
