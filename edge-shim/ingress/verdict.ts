/**
 * The trust decision: what the handshake showed → SUCCESS, FAILED with a reason, or NONE. OpenSSL has judged the chain
 * by then (`authorized`); this looks at everything around it, and anything unexpected is FAILED.
 * It never decides whether a request may pass: that is policy, in the worker.
 */
import type { X509Certificate } from "node:crypto";
import { type AccountCaSet, type CaCertificate, subjectKey } from "../trust/trust-store.ts";
import type { PresentedCertificates } from "./handshake.ts";

export interface HandshakeFacts {
  /** OpenSSL verified the chain against {@link caSet} */
  readonly authorized: boolean;
  /** OpenSSL's text for the failure, `""` when {@link authorized} */
  readonly verifyError: string;
  /** OpenSSL's code for the failure, as `TLSSocket.authorizationError` has it */
  readonly verifyErrorCode: string | undefined;
  /** The session was taken up from an earlier handshake: no chain was verified in this one */
  readonly resumed: boolean;
  /** Undefined when the client sent no certificate */
  readonly presented: PresentedCertificates | undefined;
  /** The CA set that the handshake was made with; undefined when the server name has none */
  readonly caSet: AccountCaSet | undefined;
}

export type Verdict =
  | { readonly status: "NONE" }
  | { readonly status: "FAILED"; readonly reason: string }
  | {
      readonly status: "SUCCESS";
      /** Every CA certificate of the set that the chain leads to. All must stay for the verdict to stay. */
      readonly anchors: readonly CaCertificate[];
      /** Milliseconds since the epoch: the time in which every certificate on the way to the anchors is valid */
      readonly validFromMs: number;
      readonly validUntilMs: number;
    };

/** More certificates than this are not looked through: a client cannot make the edge try thousands of signatures. */
const INTERMEDIATES_MAX = 32;

export const REASON = {
  resumed: "TLS session was resumed",
  noCaSet: "no CA certificate applies to this server name",
  chainTooLong: "certificate chain too long",
  anchorUnknown: "no uploaded CA certificate anchors the chain",
  caRemoved: "CA certificate was removed",
  expired: "certificate has expired",
  notYetValid: "certificate is not yet valid",
  unreadable: "client certificate could not be read",
} as const;

/** @param nowMs milliseconds since the epoch */
export function judgeHandshake(facts: HandshakeFacts, nowMs: number): Verdict {
  const { presented } = facts;
  if (presented === undefined) return { status: "NONE" };
  if (facts.resumed) return failed(REASON.resumed);
  if (facts.caSet === undefined) return failed(REASON.noCaSet);
  if (!facts.authorized) return failed(facts.verifyError || REASON.anchorUnknown);
  if (presented.intermediates.length > INTERMEDIATES_MAX) return failed(REASON.chainTooLong);
  return findAnchors(presented, facts.caSet, nowMs);
}

/** The verdict at a later time against the present CA set: the anchors may be gone, the certificates expired. */
export function judgeAgain(verdict: Verdict, present: AccountCaSet, nowMs: number): Verdict {
  if (verdict.status !== "SUCCESS") return verdict;
  if (nowMs > verdict.validUntilMs) return failed(REASON.expired);
  if (nowMs < verdict.validFromMs) return failed(REASON.notYetValid);
  const anchors = verdict.anchors.map((anchor) => present.byFingerprint.get(anchor.x509.fingerprint256));
  if (!anchors.every((anchor) => anchor !== undefined)) return failed(REASON.caRemoved);
  // The same verdict keeps what was signed for it.
  if (anchors.every((anchor, index) => anchor === verdict.anchors[index])) return verdict;
  return { ...verdict, anchors };
}

const SIGNATURE_FAILURE = "CERT_SIGNATURE_FAILURE";

/**
 * The verdict that {@link facts} would have had, had OpenSSL not taken another root of the same name: undefined unless
 * that is what happened. Not to be used before OpenSSL verified the chain against just the anchors in it
 * (second-opinion.ts).
 */
export function findMistakenRoot(facts: HandshakeFacts, nowMs: number): (Verdict & { status: "SUCCESS" }) | undefined {
  const { presented, caSet, resumed, verifyErrorCode } = facts;
  if (presented === undefined || caSet === undefined || resumed || verifyErrorCode !== SIGNATURE_FAILURE)
    return undefined;
  if (presented.intermediates.length > INTERMEDIATES_MAX) return undefined;
  const verdict = findAnchors(presented, caSet, nowMs);
  if (verdict.status !== "SUCCESS") return undefined;
  const hasNamesake = (anchor: CaCertificate) =>
    (caSet.bySubject.get(subjectKey(anchor.x509.subject)) ?? []).length > 1;
  return verdict.anchors.some(hasNamesake) ? verdict : undefined;
}

function failed(reason: string): Verdict {
  return { status: "FAILED", reason };
}

/**
 * Names the uploaded CA certificates behind a chain that OpenSSL has verified already. Node does not say which path
 * OpenSSL took, so every path of valid signatures is followed and all anchors found are returned: a pin must hold for
 * each of them, and the removal of any one ends the verdict. A client that appends certificates can thereby only make
 * its own verdict stricter.
 */
function findAnchors({ leaf, intermediates }: PresentedCertificates, caSet: AccountCaSet, nowMs: number): Verdict {
  const path = new Set<X509Certificate>([leaf]);
  const anchors = new Set<CaCertificate>();
  // A set iterates over what is added while it is iterated over: each certificate is visited once.
  for (const certificate of path) {
    const uploaded = caSet.byFingerprint.get(certificate.fingerprint256);
    if (uploaded !== undefined) anchors.add(uploaded);
    for (const ca of caSet.bySubject.get(subjectKey(certificate.issuer)) ?? []) {
      if (isValidAt(ca.x509, nowMs) && isIssuedBy(certificate, ca.x509)) anchors.add(ca);
    }
    for (const candidate of intermediates) {
      if (!path.has(candidate) && isValidAt(candidate, nowMs) && isIssuedBy(certificate, candidate)) {
        path.add(candidate);
      }
    }
  }
  if (anchors.size === 0) return failed(REASON.anchorUnknown);
  const certificates = [...path, ...[...anchors].map((anchor) => anchor.x509)];
  const verdict: Verdict = {
    status: "SUCCESS",
    anchors: [...anchors],
    validFromMs: Math.max(...certificates.map((certificate) => certificate.validFromDate.getTime())),
    validUntilMs: Math.min(...certificates.map((certificate) => certificate.validToDate.getTime())),
  };
  return judgeAgain(verdict, caSet, nowMs);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

export function isValidAt(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validFromDate.getTime() <= nowMs && nowMs <= certificate.validToDate.getTime();
}
