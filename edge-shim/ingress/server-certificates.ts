/**
 * Server certificates: made on demand by the edge CA, a private CA of this state directory. One key for all of them,
 * so that a new name costs one signature; a bounded number is kept, because anybody may ask for any `*.localhost`.
 */
import "reflect-metadata";
import { createPrivateKey, KeyObject, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const CA_LIFETIME_DAYS = 3650;
/** Apple and the CA/Browser Forum refuse server certificates that live longer. */
const SERVER_LIFETIME_DAYS = 397;
const DAY_MS = 86_400_000;
/** How many names have their certificate, and their TLS context, kept: those that were asked for last. */
export const CACHED_NAMES_MAX = 2_000;

export interface ServerCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** The edge CA as it lies in the state directory. */
export type EdgeCa = ServerCertificate;

export interface ServerCertificates {
  /** The certificate for `hostname`, which must come from `parseHostname` */
  forHostname(hostname: string): Promise<ServerCertificate>;
  /** The certificate for connections without a server name */
  fallback(): Promise<ServerCertificate>;
}

/** A new CA for {@link createServerCertificates}, valid for ten years from `now`. */
export async function createEdgeCa(now: Date): Promise<EdgeCa> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=Sallyport edge CA",
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + CA_LIFETIME_DAYS * DAY_MS),
    signingAlgorithm: KEY_ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: certificate.toString("pem"), keyPem: exportPrivateKey(keys.privateKey) };
}

/** @throws when `ca` does not parse */
export async function createServerCertificates(ca: EdgeCa, clock: () => Date): Promise<ServerCertificates> {
  const caCertificate = new X509Certificate(ca.certificatePem);
  const caKey = importPrivateKey(ca.keyPem);
  const keys = await generateKeys();
  const keyPem = exportPrivateKey(keys.privateKey);
  const cache = new Map<string, { certificate: Promise<ServerCertificate>; renewAtMs: number }>();

  async function issue(names: { type: "dns" | "ip"; value: string }[], now: Date): Promise<ServerCertificate> {
    const certificate = await X509CertificateGenerator.create({
      subject: [],
      issuer: caCertificate.subjectName.toJSON(),
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + (SERVER_LIFETIME_DAYS - 1) * DAY_MS),
      signingAlgorithm: KEY_ALGORITHM,
      signingKey: caKey,
      publicKey: keys.publicKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        // Critical, because the subject is empty (RFC 5280, section 4.2.1.6); names are not limited to 64 characters.
        new SubjectAlternativeNameExtension(names, true),
        await AuthorityKeyIdentifierExtension.create(caCertificate.publicKey),
      ],
    });
    return { certificatePem: certificate.toString("pem"), keyPem };
  }

  function cached(cacheKey: string, names: { type: "dns" | "ip"; value: string }[]): Promise<ServerCertificate> {
    const now = clock();
    const known = cache.get(cacheKey);
    const isCurrent = known !== undefined && now.getTime() < known.renewAtMs;
    const renewAtMs = now.getTime() + (SERVER_LIFETIME_DAYS / 2) * DAY_MS;
    const entry = isCurrent ? known : { certificate: issue(names, now), renewAtMs };
    cache.delete(cacheKey);
    cache.set(cacheKey, entry);
    const leastRecentlyUsed = cache.keys().next();
    if (cache.size > CACHED_NAMES_MAX && !leastRecentlyUsed.done) cache.delete(leastRecentlyUsed.value);
    return entry.certificate;
  }

  return {
    forHostname: (hostname) => cached(hostname, [{ type: "dns", value: hostname }]),
    fallback: () =>
      cached("", [
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
  };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

function exportPrivateKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" }) as string;
}

function importPrivateKey(pem: string): webcrypto.CryptoKey {
  return createPrivateKey(pem).toCryptoKey(KEY_ALGORITHM, false, ["sign"]);
}
