/**
 * Describes a presented client certificate as Cloudflare's `tlsClientAuth` (../contract/tls-client-auth.ts). The verdict
 * is the caller's: nothing here verifies, and all of it is filled in for a certificate that did not verify, too.
 * Called once per connection. What is too long to be forwarded is left empty, which matches no rule.
 */
import { encodeClientCert, encodeClientCertChain } from "../contract/client-cert-field.ts";
import { DISTINGUISHED_NAME_MAX_CHARACTERS } from "../contract/limits.ts";
import { type CertVerified, NO_CLIENT_CERTIFICATE, type TlsClientAuth } from "../contract/tls-client-auth.ts";
import { type Certificate, readCertificate, readSubject } from "./certificate.ts";
import {
  type DistinguishedName,
  encodeCommaSpace,
  encodeLegacy,
  encodeRfc2253,
  isSameDistinguishedName,
} from "./distinguished-name.ts";
import { computeFingerprint, encodeFingerprint } from "./fingerprint.ts";
import { formatOpensslTime } from "./time.ts";

export interface PresentedClientCertificate {
  /** DER of certificate 0 of the client's list: the only one that says who the client is */
  leaf: Uint8Array;
  /** DER of the rest of the client's list in its order: unvalidated, may be anything */
  chain: readonly Uint8Array[];
  certVerified: CertVerified;
  /** The leaf's digests where they are at hand; else they are asked of Web Crypto, which waits for another thread */
  fingerprints?: LeafFingerprints;
  /** DER of the certificate that signed the leaf, where verification found it; else one in `chain` with its name is taken */
  issuer?: Uint8Array;
}

export interface LeafFingerprints {
  sha1: Uint8Array;
  sha256: Uint8Array;
}

export type TlsClientAuthResult =
  | { ok: true; tlsClientAuth: TlsClientAuth; certificate: Certificate }
  /** The leaf cannot be read: `tlsClientAuth` says that one was presented and that it is not verified */
  | { ok: false; reason: string; tlsClientAuth: TlsClientAuth };

/** Never rejects for what is in the certificates. */
export async function describeClientCertificate(presented: PresentedClientCertificate): Promise<TlsClientAuthResult> {
  const fields = await describeBytes(presented);
  const result = readCertificate(presented.leaf);
  if (!result.ok) {
    const certVerified = failVerification(presented.certVerified);
    return { ok: false, reason: result.reason, tlsClientAuth: { ...fields, certVerified } };
  }
  const { certificate } = result;
  const tlsClientAuth = {
    ...fields,
    ...describeIssuer(findIssuer(certificate, presented)),
    ...describeLeaf(certificate),
  };
  return { ok: true, tlsClientAuth, certificate };
}

/** A certificate that we cannot read is not accepted, whatever OpenSSL made of it. */
function failVerification(certVerified: CertVerified): CertVerified {
  return certVerified.startsWith("FAILED") ? certVerified : "FAILED:client certificate is unreadable";
}

/** Everything that needs no look into the certificate. */
async function describeBytes(presented: PresentedClientCertificate): Promise<TlsClientAuth> {
  const { leaf, chain, certVerified } = presented;
  const certRFC9440 = encodeClientCert(leaf);
  const certChainRFC9440 = encodeClientCertChain(chain);
  const { sha1, sha256 } = presented.fingerprints ?? (await computeFingerprints(leaf));
  return {
    ...NO_CLIENT_CERTIFICATE,
    certPresented: "1",
    certVerified,
    certFingerprintSHA1: encodeFingerprint(sha1),
    certFingerprintSHA256: encodeFingerprint(sha256),
    certRFC9440: certRFC9440 ?? "",
    certRFC9440TooLarge: certRFC9440 === undefined,
    certChainRFC9440: certChainRFC9440 ?? "",
    certChainRFC9440TooLarge: certChainRFC9440 === undefined,
  };
}

async function computeFingerprints(leaf: Uint8Array): Promise<LeafFingerprints> {
  const [sha1, sha256] = await Promise.all([computeFingerprint(leaf, "SHA-1"), computeFingerprint(leaf, "SHA-256")]);
  return { sha1, sha256 };
}

function describeLeaf(leaf: Certificate) {
  const issuer = printName(leaf.issuer);
  const subject = printName(leaf.subject);
  return {
    certIssuerDN: issuer.commaSpace,
    certIssuerDNRFC2253: issuer.rfc2253,
    certIssuerDNLegacy: issuer.legacy,
    certSubjectDN: subject.commaSpace,
    certSubjectDNRFC2253: subject.rfc2253,
    certSubjectDNLegacy: subject.legacy,
    certSerial: limitIdentifier(leaf.serialNumber),
    certSKI: limitIdentifier(leaf.subjectKeyIdentifier),
    certNotBefore: formatOpensslTime(leaf.notBefore),
    certNotAfter: formatOpensslTime(leaf.notAfter),
  } satisfies Partial<TlsClientAuth>;
}

function describeIssuer(issuer: Certificate | undefined) {
  return {
    certIssuerSerial: limitIdentifier(issuer?.serialNumber),
    certIssuerSKI: limitIdentifier(issuer?.subjectKeyIdentifier),
  } satisfies Partial<TlsClientAuth>;
}

/** Of an unverified chain this is a guess by name; with a key identifier in the leaf, that has to fit as well. */
function findIssuer(leaf: Certificate, { chain, issuer }: PresentedClientCertificate): Certificate | undefined {
  for (const candidate of issuer === undefined ? chain : [issuer]) {
    const subject = readSubject(candidate);
    if (subject === undefined || !isSameDistinguishedName(subject, leaf.issuer)) continue;
    const result = readCertificate(candidate);
    if (result.ok && hasKeyIdentifier(result.certificate, leaf.authorityKeyIdentifier)) return result.certificate;
  }
  return undefined;
}

function hasKeyIdentifier({ subjectKeyIdentifier }: Certificate, wanted: string | undefined): boolean {
  return wanted === undefined || subjectKeyIdentifier === undefined || subjectKeyIdentifier === wanted;
}

const UNPRINTED = { commaSpace: "", rfc2253: "", legacy: "" };

/** All notations of a name, or none: one that is cut or missing in a single notation would contradict the others. */
function printName(name: DistinguishedName): typeof UNPRINTED {
  const bytes = name.rdns.flat().reduce((sum, { value }) => sum + value.der.length, 0);
  // the legacy form shows every byte: over twice the limit it need not be printed to know that it is too long
  if (bytes > 2 * DISTINGUISHED_NAME_MAX_CHARACTERS) return UNPRINTED;
  const printed = { commaSpace: encodeCommaSpace(name), rfc2253: encodeRfc2253(name), legacy: encodeLegacy(name) };
  const isTooLong = Object.values(printed).some((text) => text.length > DISTINGUISHED_NAME_MAX_CHARACTERS);
  return isTooLong ? UNPRINTED : printed;
}

/** RFC 5280 allows 20 bytes for serial numbers, and key identifiers are digests; nothing bounds what a client sends. */
const IDENTIFIER_MAX_CHARACTERS = 256;

function limitIdentifier(hex = ""): string {
  return hex.length > IDENTIFIER_MAX_CHARACTERS ? "" : hex;
}
