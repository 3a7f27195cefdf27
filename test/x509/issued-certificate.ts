/** Real certificates, made by another library than the one under test. */
import "reflect-metadata";
import type { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** From here and not from the package: it has to be loaded after reflect-metadata. */
export { x509 };
export type KeyPair = webcrypto.CryptoKeyPair;

export interface IssuedCertificate {
  der: Uint8Array;
  keys: KeyPair;
  certificate: x509.X509Certificate;
}

export interface CertificateRequest {
  subject: string;
  issuer?: IssuedCertificate;
  algorithm?: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | { name: "Ed25519" };
  serialNumber?: string;
  notBefore?: Date;
  notAfter?: Date;
  extensions?: (keys: KeyPair) => Promise<x509.Extension[]>;
}

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** Issued by `issuer`, self-signed without one. */
export async function issueCertificate(request: CertificateRequest): Promise<IssuedCertificate> {
  const keys = await crypto.subtle.generateKey(request.algorithm ?? P256, true, ["sign", "verify"]);
  if (!("privateKey" in keys)) throw new TypeError("the algorithm does not make a key pair");
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: request.serialNumber ?? "01",
    subject: request.subject,
    issuer: request.issuer?.certificate.subject ?? request.subject,
    notBefore: request.notBefore ?? new Date("2022-03-01T00:00:00Z"),
    notAfter: request.notAfter ?? new Date("2032-03-21T13:35:00Z"),
    signingKey: (request.issuer?.keys ?? keys).privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: { hash: "SHA-256", ...(request.issuer?.keys ?? keys).privateKey.algorithm },
    extensions: (await request.extensions?.(keys)) ?? [],
  });
  return { der: new Uint8Array(certificate.rawData), keys, certificate };
}
