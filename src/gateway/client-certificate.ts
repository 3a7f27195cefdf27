/**
 * A client certificate as TLS terminated it, and the verdict on it. Everything that has to be parsed is parsed when
 * it is first asked for and kept with the object, so that a cached verdict costs nothing on later requests.
 * Nothing here decides whether a request may pass.
 */
import { decodeClientCert } from "../contract/client-cert-field.ts";
import type { TrustAnchor } from "../contract/edge-assertion.ts";
import { NO_CLIENT_CERTIFICATE, type TlsClientAuth } from "../contract/tls-client-auth.ts";
import type { MtlsAuth } from "../runtime/request.ts";
import { type DistinguishedName, parseDistinguishedName } from "../x509/distinguished-name.ts";

export type ClientCertificateMetadata = Omit<MtlsAuth, "verified">;

export interface ClientCertificate {
  readonly tlsClientAuth: Readonly<TlsClientAuth>;
  readonly isPresented: boolean;
  /** Undefined when a name, a date or the fingerprint does not parse */
  readonly metadata: () => ClientCertificateMetadata | undefined;
  readonly issuer: () => DistinguishedName | undefined;
  readonly subject: () => DistinguishedName | undefined;
  /** The leaf's DER; undefined when it was too large to be forwarded */
  readonly der: () => Uint8Array | undefined;
}

/** Why a verdict is what it is; the source says it, policies switch on it. */
export type VerdictCause =
  | "verified"
  | "no_certificate"
  | "no_edge_assertion"
  | "verification_failed"
  | "edge_assertion_refused"
  | "source_not_configured";

export interface ClientCertificateVerdict {
  readonly cause: VerdictCause;
  readonly status: "SUCCESS" | "FAILED" | "NONE";
  /** For people; empty where there is nothing to explain */
  readonly reason: string;
  readonly certificate: ClientCertificate;
  /** Uploaded CA certificates that the chain leads to; undefined where the source cannot know them */
  readonly trustAnchors: readonly TrustAnchor[] | undefined;
}

const NO_CERTIFICATE = createClientCertificate(NO_CLIENT_CERTIFICATE);

/** A verdict on a request for which there is no certificate that could be looked at. */
export function createVerdictWithoutCertificate(
  cause: Exclude<VerdictCause, "verified" | "verification_failed">,
  reason: string,
): ClientCertificateVerdict {
  const status = cause === "no_certificate" || cause === "no_edge_assertion" ? "NONE" : "FAILED";
  return { cause, status, reason, certificate: NO_CERTIFICATE, trustAnchors: undefined };
}

/** Reads the verdict out of `tlsClientAuth`, which has to come from a source that is believed. */
export function createVerdict(
  tlsClientAuth: Readonly<TlsClientAuth>,
  trustAnchors: readonly TrustAnchor[] | undefined,
): ClientCertificateVerdict {
  if (tlsClientAuth.certPresented !== "1") return createVerdictWithoutCertificate("no_certificate", "");
  const certificate = createClientCertificate(tlsClientAuth);
  if (tlsClientAuth.certRevoked !== "0") return failed("certificate revoked", certificate);
  if (tlsClientAuth.certVerified !== "SUCCESS") return failed(failureReason(tlsClientAuth.certVerified), certificate);
  return { cause: "verified", status: "SUCCESS", reason: "", certificate, trustAnchors };
}

function failed(reason: string, certificate: ClientCertificate): ClientCertificateVerdict {
  return { cause: "verification_failed", status: "FAILED", reason, certificate, trustAnchors: undefined };
}

/** `"FAILED:certificate has expired"` → `"certificate has expired"` */
function failureReason(certVerified: string): string {
  return /^FAILED:(.+)$/s.exec(certVerified)?.[1] ?? "client certificate verification failed";
}

function createClientCertificate(tlsClientAuth: Readonly<TlsClientAuth>): ClientCertificate {
  return {
    tlsClientAuth,
    isPresented: tlsClientAuth.certPresented === "1",
    metadata: once(() => readMetadata(tlsClientAuth)),
    issuer: once(() => readName(tlsClientAuth.certIssuerDNRFC2253)),
    subject: once(() => readName(tlsClientAuth.certSubjectDNRFC2253)),
    der: once(() => decodeClientCert(tlsClientAuth.certRFC9440)),
  };
}

function readName(text: string): DistinguishedName | undefined {
  const parsed = parseDistinguishedName(text);
  return parsed.ok ? parsed.name : undefined;
}

/** An empty issuer is unreadable: it is not allowed (RFC 5280, 4.1.2.4), or was too long to be forwarded. */
function readMetadata(tlsClientAuth: Readonly<TlsClientAuth>): ClientCertificateMetadata | undefined {
  const { certSubjectDNRFC2253: subject, certIssuerDNRFC2253: issuer } = tlsClientAuth;
  const notBefore = readDate(tlsClientAuth.certNotBefore);
  const notAfter = readDate(tlsClientAuth.certNotAfter);
  const sha256Fingerprint = readFingerprint(tlsClientAuth.certFingerprintSHA256);
  if (issuer === "" || !readName(issuer) || (subject !== "" && !readName(subject))) return undefined;
  if (!notBefore || !notAfter || !sha256Fingerprint) return undefined;
  return { subject, issuer, notBefore, notAfter, sha256Fingerprint };
}

const OPENSSL_DATE = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d{2}:\d{2}:\d{2}) (\d{4}) GMT$/;

/** `"Mar 21 13:35:00 2022 GMT"` → `"2022-03-21T13:35:00.000Z"` */
function readDate(text: string): string | undefined {
  const [, month, day, time, year] = OPENSSL_DATE.exec(text) ?? [];
  const milliseconds = Date.parse(`${day} ${month} ${year} ${time} GMT`);
  return Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toISOString();
}

function readFingerprint(hex: string): string | undefined {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return undefined;
  return hex.toUpperCase().replace(/..(?!$)/g, "$&:");
}

/** Calls `compute` on first use only. */
function once<T>(compute: () => T): () => T {
  let result: { value: T } | undefined;
  return () => {
    result ??= { value: compute() };
    return result.value;
  };
}
