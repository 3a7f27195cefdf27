/** Who calls: certificates of every key that is asked for, straight from the root and through intermediates. */
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import type { KeyKind } from "../../fixtures/pki/keys.ts";

export const KEYS = ["rsa-2048", "ec-p256", "ec-p384", "ed25519"] as const satisfies KeyKind[];

export interface ClientPki {
  root: CertificateAuthority;
  /** By the number of intermediates above the leaf: 0, 1, 2 */
  issuers: readonly [CertificateAuthority, CertificateAuthority, CertificateAuthority];
}

/** Each authority has a key of another kind, so that chains are mixed, as real ones are. */
export async function createClientPki(): Promise<ClientPki> {
  const root = await createCertificateAuthority({ subject: "CN=client root", key: "ec-p384" });
  const first = await root.issueIntermediate({ subject: "CN=first intermediate", key: "rsa-2048" });
  const second = await first.issueIntermediate({ subject: "CN=second intermediate", key: "ec-p256" });
  return { root, issuers: [root, first, second] };
}
