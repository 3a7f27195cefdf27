/**
 * The way from the leaf to a CA certificate, for people: who issued whom, and where it ends. It follows OpenSSL's order
 * (uploaded certificates before those of the file) and decides nothing: the verdict is OpenSSL's.
 */
import type { X509Certificate } from "node:crypto";
import { type CaCertificate, subjectKey } from "../../edge-shim/trust/trust-store.ts";
import type { FileCertificate } from "./client-certificate-file.ts";

export interface PathStep extends FileCertificate {
  /** Set when this certificate is one of the account's */
  readonly uploaded: CaCertificate | undefined;
}

export type PathEnd =
  /** A self-signed certificate that is uploaded */
  | { readonly kind: "anchored"; readonly anchor: CaCertificate }
  /** An uploaded certificate that is itself issued by somebody unknown */
  | { readonly kind: "intermediate_uploaded"; readonly anchor: CaCertificate }
  /** A self-signed certificate that is not uploaded */
  | { readonly kind: "root_not_uploaded" }
  /** Nobody has the issuer's name */
  | { readonly kind: "issuer_missing" }
  /** Somebody has the issuer's name, but not its key */
  | { readonly kind: "issuer_differs"; readonly candidate: PathStep }
  /** The issuer is there, and its key did not make the signature */
  | { readonly kind: "signature_wrong"; readonly candidate: PathStep }
  | { readonly kind: "too_long" };

export interface IssuerPath {
  /** The leaf first */
  readonly steps: readonly [PathStep, ...PathStep[]];
  readonly end: PathEnd;
}

const STEPS_MAX = 100;

/** @param nowMs of several certificates of one issuer those that are valid now come first */
export function findIssuerPath(
  file: readonly [FileCertificate, ...FileCertificate[]],
  uploaded: readonly PathStep[],
  nowMs: number,
): IssuerPath {
  const isUploaded = (certificate: FileCertificate) =>
    uploaded.find(({ x509 }) => x509.fingerprint256 === certificate.x509.fingerprint256);
  const pool = [...uploaded, ...file.map((certificate) => ({ uploaded: undefined, ...certificate }))];
  const [leaf] = file;
  const steps: [PathStep, ...PathStep[]] = [isUploaded(leaf) ?? { ...leaf, uploaded: undefined }];
  for (let last = steps[0]; steps.length < STEPS_MAX; ) {
    const next = findIssuer(last, pool, steps, nowMs);
    if ("kind" in next) return { steps, end: next };
    steps.push(next);
    last = next;
  }
  return { steps, end: { kind: "too_long" } };
}

function findIssuer(
  last: PathStep,
  pool: readonly PathStep[],
  steps: readonly PathStep[],
  nowMs: number,
): PathStep | PathEnd {
  if (isSelfSigned(last.x509)) {
    return last.uploaded ? { kind: "anchored", anchor: last.uploaded } : { kind: "root_not_uploaded" };
  }
  const others = pool.filter(({ x509 }) => steps.every((step) => step.x509.fingerprint256 !== x509.fingerprint256));
  const named = others.filter(({ x509 }) => isSameName(x509.subject, last.x509.issuer));
  const issuers = named.filter(({ x509 }) => last.x509.checkIssued(x509));
  const signers = issuers.filter(({ x509 }) => isSignedBy(last.x509, x509));
  // Whose key signed it is its issuer, even one that may not be: that it may not is the next thing to say.
  const signer =
    signers.find(({ x509 }) => isValidAt(x509, nowMs)) ??
    signers[0] ??
    named.find(({ x509 }) => isSignedBy(last.x509, x509));
  if (signer !== undefined) return signer;
  if (issuers[0] !== undefined) return { kind: "signature_wrong", candidate: issuers[0] };
  if (last.uploaded !== undefined) return { kind: "intermediate_uploaded", anchor: last.uploaded };
  return named[0] === undefined ? { kind: "issuer_missing" } : { kind: "issuer_differs", candidate: named[0] };
}

/** Coarse, as an index is; who uses it goes on to compare for real, or only talks about it. */
function isSameName(a: string | undefined, b: string | undefined): boolean {
  return subjectKey(a) === subjectKey(b);
}

/** Not `checkIssued`: a leaf that signed itself usually says that it may not sign certificates. */
function isSelfSigned(certificate: X509Certificate): boolean {
  return isSameName(certificate.subject, certificate.issuer) && isSignedBy(certificate, certificate);
}

/** False as well for a key that OpenSSL does not know. */
export function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function isValidAt(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validFromDate.getTime() <= nowMs && nowMs <= certificate.validToDate.getTime();
}
