/** Who asks: certificates of every kind, each with the verdict that is due, whoever comes to it. */
import type { CertificateOptions } from "../../fixtures/pki/certificate.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../fixtures/pki/damage.ts";
import type { CertVerified } from "../../src/contract/tls-client-auth.ts";

const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Date.now() - DAY_MS);
const TOMORROW = new Date(Date.now() + DAY_MS);

export const ROOT_NAME = "CN=fidelity-ca,O=Example,C=US";
export const INTERMEDIATE_NAME = "CN=fidelity-intermediate,O=Example,C=US";
export const OTHER_NAME = "CN=other-ca";

export interface Authorities {
  /** Uploaded as `fid_root` */
  root: CertificateAuthority;
  /** Uploaded as `fid_other` */
  other: CertificateAuthority;
  /** Of RSA, uploaded as `fid_rsa` */
  rsa: CertificateAuthority;
  /** Under {@link root}; nobody uploaded it */
  intermediate: CertificateAuthority;
  /** Nobody uploaded it */
  rogue: CertificateAuthority;
  /** The name of {@link root}, another key; nobody uploaded it */
  namesake: CertificateAuthority;
}

/** As they are called in `caCertificates`. */
export const UPLOADED = { fid_root: "root", fid_other: "other", fid_rsa: "rsa" } as const;
export type UploadedName = keyof typeof UPLOADED;

export interface Identity {
  /** Undefined for a client without a certificate */
  certificate: IssuedCertificate | undefined;
  certVerified: CertVerified;
  /** Where `certVerified` is `SUCCESS` */
  anchor: UploadedName | undefined;
  /** On Cloudflare, where certificates can be revoked */
  isRevoked: boolean;
}

export const IDENTITY_NAMES = [
  ...["none", "p256", "p384", "rsa2048", "rsa-root", "ed25519", "other-ca"],
  ...["chain", "chain-missing", "chain-expired", "expired", "not-yet-valid", "rogue", "self-signed", "namesake"],
  ...["server-auth", "no-usage", "damaged", "oversized", "revoked"],
  ...["odd-subject", "unicode-subject", "multi-valued-subject", "empty-subject", "repeated-names"],
  ...["san-dns", "san-wildcard-deep", "san-uri", "san-email", "san-ip", "san-with-comma"],
] as const;
export type IdentityName = (typeof IDENTITY_NAMES)[number];
export type Identities = Record<IdentityName, Identity>;

export async function createAuthorities(): Promise<Authorities> {
  const root = await createCertificateAuthority({ subject: ROOT_NAME });
  return {
    root,
    other: await createCertificateAuthority({ subject: OTHER_NAME }),
    rsa: await createCertificateAuthority({ subject: "CN=rsa-ca", key: "rsa-2048" }),
    intermediate: await root.issueIntermediate({ subject: INTERMEDIATE_NAME }),
    rogue: await createCertificateAuthority({ subject: "CN=rogue-ca" }),
    namesake: await createCertificateAuthority({ subject: ROOT_NAME }),
  };
}

/** In the order of {@link IDENTITY_NAMES}. */
export async function createIdentities(authorities: Authorities): Promise<Identities> {
  return {
    none: { certificate: undefined, certVerified: "NONE", anchor: undefined, isRevoked: false },
    ...(await createKeyKinds(authorities)),
    ...(await createFailures(authorities)),
    ...(await createSubjects(authorities)),
    ...(await createAlternativeNames(authorities)),
  };
}

function verified(certificate: IssuedCertificate, anchor: UploadedName = "fid_root"): Identity {
  return { certificate, certVerified: "SUCCESS", anchor, isRevoked: false };
}

function failed(certificate: IssuedCertificate, reason: string): Identity {
  return { certificate, certVerified: `FAILED:${reason}`, anchor: undefined, isRevoked: false };
}

const CLIENT = "CN=client,O=Example,C=US";

async function createKeyKinds({ root, rsa, other, intermediate }: Authorities) {
  return {
    p256: verified(await root.issue({ subject: CLIENT })),
    p384: verified(await root.issue({ subject: CLIENT, key: "ec-p384", signatureHash: "sha384" })),
    rsa2048: verified(await root.issue({ subject: CLIENT, key: "rsa-2048" })),
    "rsa-root": verified(await rsa.issue({ subject: CLIENT, key: "rsa-2048" }), "fid_rsa"),
    ed25519: verified(await root.issue({ subject: CLIENT, key: "ed25519" })),
    "other-ca": verified(await other.issue({ subject: CLIENT }), "fid_other"),
    chain: verified(await intermediate.issue({ subject: "CN=behind-intermediate" })),
    "no-usage": verified(await root.issue({ subject: CLIENT, extendedKeyUsage: [] })),
    oversized: verified(await root.issue({ subject: "CN=oversized", sizeBytes: 8_200 })),
    revoked: { ...verified(await root.issue({ subject: "CN=revoked" })), isRevoked: true },
  };
}

async function createFailures({ root, rogue, namesake, intermediate }: Authorities) {
  const leaf = await intermediate.issue({ subject: "CN=alone" });
  const old = await root.issueIntermediate({
    ...{ subject: "CN=old-intermediate", notBefore: new Date(0), notAfter: YESTERDAY },
  });
  const noIssuer = "unable to get local issuer certificate";
  return {
    "chain-missing": failed({ ...leaf, chainPem: leaf.certificatePem }, noIssuer),
    "chain-expired": failed(await old.issue({ subject: "CN=below-old" }), "certificate has expired"),
    expired: failed(
      await root.issue({ subject: CLIENT, notBefore: new Date(0), notAfter: YESTERDAY }),
      "certificate has expired",
    ),
    "not-yet-valid": failed(await root.issue({ subject: CLIENT, notBefore: TOMORROW }), "certificate is not yet valid"),
    rogue: failed(await rogue.issue({ subject: CLIENT }), noIssuer),
    "self-signed": failed(await createSelfSignedCertificate({ subject: CLIENT }), "self-signed certificate"),
    namesake: failed(await namesake.issue({ subject: CLIENT }), noIssuer),
    "server-auth": failed(
      await root.issue({ subject: CLIENT, extendedKeyUsage: ["serverAuth"] }),
      "unsuitable certificate purpose",
    ),
    damaged: failed(flipSignatureBit(await root.issue({ subject: CLIENT })), "certificate signature failure"),
  };
}

async function createSubjects({ root }: Authorities) {
  const issue = async (subject: CertificateOptions["subject"]) => verified(await root.issue({ subject }));
  return {
    "odd-subject": await issue('CN=a\\, b\\+c \\"d\\" \\<e\\>\\; \\\\,O=\\#hash,OU=\\ space\\ '),
    "unicode-subject": await issue("CN=Zoë 🜁 Ünïcode,O=日本語"),
    "multi-valued-subject": await issue("CN=one+OU=two,O=Example"),
    "empty-subject": await issue([]),
    "repeated-names": await issue("CN=first,CN=second,OU=x,OU=y"),
  };
}

async function createAlternativeNames({ root }: Authorities) {
  const issue = async (...subjectAlternativeNames: NonNullable<CertificateOptions["subjectAlternativeNames"]>) =>
    verified(await root.issue({ subject: "CN=named", subjectAlternativeNames }));
  return {
    "san-dns": await issue("dns:a.clients.example.com", "dns:other.test"),
    "san-wildcard-deep": await issue("dns:a.b.clients.example.com"),
    "san-uri": await issue("uri:spiffe://example.org/ns/prod/sa/api"),
    "san-email": await issue("email:ops@example.com"),
    "san-ip": await issue("ip:192.0.2.7", "ip:2001:db8::7"),
    "san-with-comma": await issue("dns:evil.test,dns:a.clients.example.com"),
  };
}
