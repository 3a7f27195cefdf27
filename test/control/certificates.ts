/** Names of the certificates that global-setup.ts makes in Node, for tests that run in workerd. */

export type CertificateName =
  | "root"
  | "rotated"
  | "otherName"
  | "intermediate"
  | "leaf"
  | "hostile"
  | "withoutKeyId"
  | "withoutKeyIdEither"
  | "selfIssued"
  | "selfSignedLeaf"
  | "cannotSign"
  | "versionOne"
  | "expired"
  | "future"
  | "rsa1024"
  | "rsa2048"
  | "rsaSha1"
  | "rsaPss"
  | "rsaPssKey"
  | "p384"
  | "p521"
  | "ed25519"
  | "large"
  | "forged"
  | "truncated"
  | ClientCertificateName;

/** Leaves, each issued for client authentication unless its name says otherwise. */
export type ClientCertificateName =
  | "client"
  | "rotatedClient"
  | "chained"
  | "expiredIntermediate"
  | "underExpired"
  | "clientRsa"
  | "clientRsaPss"
  | "clientP384"
  | "clientP521"
  | "clientEd25519"
  | "clientWithoutPurpose"
  | "clientAnyPurpose"
  | "serverOnly"
  | "expiredClient"
  | "futureClient"
  | "clientRsa1024";

/** The key of `client`, or of `clientRsa`, as other tools write it. */
export type KeyForm = "sec1" | "sec1WithParameters" | "pkcs1" | "encryptedPkcs8" | "encryptedSec1" | "unknownForm";

export interface TestCertificate {
  certificatePem: string;
  keyPem: string;
  derBase64: string;
}

declare module "vitest" {
  interface ProvidedContext {
    certificates: Record<CertificateName, TestCertificate>;
    keyForms: Record<KeyForm, string>;
  }
}
