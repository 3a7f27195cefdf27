/**
 * May a request with this verdict pass an enforcing `mtls-auth-inbound`? A pipeline of pure checks, each of which
 * gives a tagged reason to reject or nothing. Names are compared structurally, never as printed text.
 */
import type { ClientCertificateRules } from "../contract/policy-options/mtls-auth-inbound.ts";
import type { ClientCertificate, ClientCertificateVerdict } from "../gateway/client-certificate.ts";
import { readCertificate } from "../x509/certificate.ts";
import { type DistinguishedName, isSameDistinguishedName, parseDistinguishedName } from "../x509/distinguished-name.ts";
import { parseSanRule, type SanRule } from "../x509/subject-alternative-name.ts";

/** Why an enforcing policy does not let a request pass. */
export type MtlsAuthRejection =
  | { kind: "certificate_missing" }
  | { kind: "not_through_edge"; reason: string }
  | { kind: "edge_assertion_refused"; reason: string }
  | { kind: "source_not_configured"; reason: string }
  | { kind: "verification_failed"; reason: string }
  | { kind: "metadata_unreadable" }
  | { kind: "issuer_mismatch"; issuer: string }
  | { kind: "trust_anchors_unknown" }
  | { kind: "trust_anchor_mismatch"; anchors: string[] }
  | { kind: "names_unavailable" }
  | { kind: "leaf_not_allowed"; subject: string; sha256Fingerprint: string };

/** Options with every name and rule parsed. */
export interface MtlsAuthRules {
  /** Undefined: any issuer */
  issuers: DistinguishedName[] | undefined;
  /** Names and ids of uploaded CA certificates. Undefined: any of the account's */
  caCertificates: ReadonlySet<string> | undefined;
  /** Undefined: any leaf */
  allow: { fingerprints: ReadonlySet<string>; subjects: DistinguishedName[]; sans: SanRule[] } | undefined;
}

/** @throws TypeError when a name or rule does not parse, which the options' schema excludes */
export function compileMtlsAuthRules(options: ClientCertificateRules): MtlsAuthRules {
  const { certIssuerDN, certIssuerDNs, caCertificates, allow } = options;
  const issuers = [...(certIssuerDN === undefined ? [] : [certIssuerDN]), ...(certIssuerDNs ?? [])].map(parseName);
  return {
    issuers: issuers.length > 0 ? issuers : undefined,
    caCertificates: caCertificates && new Set(caCertificates),
    allow: allow && {
      fingerprints: new Set(allow.sha256Fingerprints?.map(normalizeFingerprint)),
      subjects: (allow.subjectDNs ?? []).map(parseName),
      sans: (allow.sans ?? []).map(parseRule),
    },
  };
}

function parseName(text: string): DistinguishedName {
  const parsed = parseDistinguishedName(text);
  if (!parsed.ok) throw new TypeError(`"${text}" is not a distinguished name: ${parsed.reason}`);
  return parsed.name;
}

function parseRule(text: string): SanRule {
  const parsed = parseSanRule(text);
  if (!parsed.ok) throw new TypeError(parsed.reason);
  return parsed.rule;
}

/** `"ab:CD"` → `"ABCD"` */
function normalizeFingerprint(text: string): string {
  return text.replaceAll(":", "").toUpperCase();
}

/** The first reason to reject, or undefined when the request may pass. */
export function evaluateMtlsAuth(
  verdict: ClientCertificateVerdict,
  rules: MtlsAuthRules,
): MtlsAuthRejection | undefined {
  return (
    checkVerdict(verdict) ??
    checkMetadata(verdict.certificate) ??
    checkIssuer(verdict.certificate, rules) ??
    checkTrustAnchors(verdict, rules) ??
    checkLeaf(verdict.certificate, rules)
  );
}

/** A client certificate was presented and verified: the first check of every policy that goes by one. */
export function checkVerdict({ cause, reason, certificate }: ClientCertificateVerdict): MtlsAuthRejection | undefined {
  switch (cause) {
    case "verified":
      return certificate.isPresented ? undefined : { kind: "certificate_missing" };
    case "no_certificate":
      return { kind: "certificate_missing" };
    case "no_edge_assertion":
      return { kind: "not_through_edge", reason };
    case "edge_assertion_refused":
    case "source_not_configured":
    case "verification_failed":
      return { kind: cause, reason };
  }
}

/** Metadata of an oversized leaf may be missing: it was verified all the same, and there is nothing to read. */
function checkMetadata(certificate: ClientCertificate): MtlsAuthRejection | undefined {
  if (certificate.tlsClientAuth.certRFC9440TooLarge || certificate.metadata()) return undefined;
  return { kind: "metadata_unreadable" };
}

function checkIssuer(certificate: ClientCertificate, { issuers }: MtlsAuthRules): MtlsAuthRejection | undefined {
  if (!issuers) return undefined;
  const issuer = certificate.issuer();
  if (issuer && issuers.some((allowed) => isSameDistinguishedName(allowed, issuer))) return undefined;
  return { kind: "issuer_mismatch", issuer: certificate.tlsClientAuth.certIssuerDNRFC2253 };
}

/** Every anchor has to be named: a cross-signed chain also leads to a CA that the pin does not mean. */
function checkTrustAnchors(
  { trustAnchors }: ClientCertificateVerdict,
  { caCertificates }: MtlsAuthRules,
): MtlsAuthRejection | undefined {
  if (!caCertificates) return undefined;
  if (!trustAnchors) return { kind: "trust_anchors_unknown" };
  const isPinned = trustAnchors.every(({ id, name }) => caCertificates.has(id) || caCertificates.has(name));
  if (trustAnchors.length > 0 && isPinned) return undefined;
  return { kind: "trust_anchor_mismatch", anchors: trustAnchors.map(({ id, name }) => `${name} (${id})`) };
}

/** One rule of any list is enough. */
function checkLeaf(certificate: ClientCertificate, { allow }: MtlsAuthRules): MtlsAuthRejection | undefined {
  if (!allow) return undefined;
  const { certFingerprintSHA256, certSubjectDNRFC2253 } = certificate.tlsClientAuth;
  if (allow.fingerprints.has(normalizeFingerprint(certFingerprintSHA256))) return undefined;
  const subject = certificate.subject();
  if (subject && allow.subjects.some((allowed) => isSameDistinguishedName(allowed, subject))) return undefined;
  const rejection: MtlsAuthRejection = {
    kind: "leaf_not_allowed",
    subject: certSubjectDNRFC2253,
    sha256Fingerprint: certFingerprintSHA256,
  };
  if (allow.sans.length === 0) return rejection;
  const der = certificate.der();
  const leaf = der && readCertificate(der);
  if (!leaf?.ok) return { kind: "names_unavailable" };
  return allow.sans.some((rule) => rule.matches(leaf.certificate.subjectAlternativeNames)) ? undefined : rejection;
}
