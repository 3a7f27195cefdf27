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
  | "truncated";

export interface TestCertificate {
  certificatePem: string;
  keyPem: string;
  derBase64: string;
}

declare module "vitest" {
  interface ProvidedContext {
    certificates: Record<CertificateName, TestCertificate>;
  }
}
