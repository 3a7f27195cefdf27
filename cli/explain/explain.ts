/** A client certificate file and an account's trust → the edge's verdict, and why, as plain data. Prints nothing. */
import type { CaCertificate } from "../../edge-shim/trust/trust-store.ts";
import { isSameDistinguishedName, parseDistinguishedName } from "../../src/x509/distinguished-name.ts";
import { explainSteps, type Step } from "./checks.ts";
import { type CertificateFile, describeCertificate, type FileCertificate } from "./client-certificate-file.ts";
import { findIssuerPath } from "./issuer-path.ts";
import { judgeAsEdge } from "./judge.ts";
import { nameIssuer, nameSubject } from "./names.ts";
import type { TrustView } from "./trust-view.ts";

/** The document of `-o json`. */
export interface Explanation {
  readonly verified: boolean;
  /** `clientMtlsVerificationStatus` of a request with this certificate */
  readonly status: "SUCCESS" | "FAILED";
  /** `clientMtlsVerificationReason`, `""` when {@link verified} */
  readonly reason: string;
  readonly domain: string;
  /** Null for CA certificates from files */
  readonly account: string | null;
  /** The uploaded CA certificates that the chain leads to */
  readonly anchors: readonly { readonly id: string; readonly name: string }[];
  /** In file order */
  readonly certificates: readonly CertificateSummary[];
  readonly steps: readonly Step[];
  /** For the policy's option of that name; null when no policy can compare it */
  readonly certIssuerDN: string | null;
}

export interface CertificateSummary {
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601; null for a time that OpenSSL does not read */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** Null for a certificate that breaks the rules of RFC 5280 */
  readonly keyType: string | null;
  /** Uppercase hex with colons */
  readonly sha256Fingerprint: string;
  readonly sizeBytes: number;
}

/** @param nowMs milliseconds since the epoch */
export async function explainCertificate(file: CertificateFile, trust: TrustView, nowMs: number): Promise<Explanation> {
  const [leaf, ...others] = file.certificates;
  const caSet = trust.isDomainActive ? trust.caSet : undefined;
  const judgement = await judgeAsEdge([leaf.x509.raw, ...others.map(({ x509 }) => x509.raw)], caSet, nowMs);
  const uploaded = trust.caSet.caCertificates.map(describeUploaded);
  const path = findIssuerPath(file.certificates, uploaded, nowMs);
  const { verdict, described } = judgement;
  return {
    verified: verdict.status === "SUCCESS",
    status: verdict.status === "SUCCESS" ? "SUCCESS" : "FAILED",
    reason: verdict.status === "FAILED" ? verdict.reason : "",
    domain: trust.domain,
    account: trust.account ?? null,
    anchors: verdict.status === "SUCCESS" ? verdict.anchors.map(({ id, name }) => ({ id, name })) : [],
    certificates: file.certificates.map(summarize),
    steps: explainSteps({ file, trust, path, judgement, nowMs }),
    certIssuerDN: isComparable(leaf, described.certIssuerDN) ? described.certIssuerDN : null,
  };
}

function describeUploaded(ca: CaCertificate) {
  return { ...describeCertificate(ca.x509), uploaded: ca };
}

/** Whether the text, pasted into a policy, means the leaf's issuer. An empty name, and one too long to forward, is none. */
function isComparable({ details }: FileCertificate, text: string): boolean {
  const parsed = parseDistinguishedName(text);
  return text !== "" && details !== undefined && parsed.ok && isSameDistinguishedName(parsed.name, details.issuer);
}

function summarize(certificate: FileCertificate): CertificateSummary {
  const { x509, details } = certificate;
  return {
    subject: nameSubject(certificate),
    issuer: nameIssuer(certificate),
    notBefore: formatDate(x509.validFromDate),
    notAfter: formatDate(x509.validToDate),
    keyType: details?.publicKey.description ?? null,
    sha256Fingerprint: x509.fingerprint256,
    sizeBytes: x509.raw.length,
  };
}

function formatDate(date: Date): string | null {
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
