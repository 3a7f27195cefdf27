/** Makes the certificates that the tests upload: keys are made in Node, before workerd starts. */
import type { TestProject } from "vitest/node";
import {
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit, truncateCertificate } from "../../fixtures/pki/damage.ts";
import type { CertificateName } from "./certificates.ts";

const YEAR_MILLISECONDS = 365 * 24 * 60 * 60 * 1000;

async function createCertificates(): Promise<
  Record<CertificateName, Pick<IssuedCertificate, "certificatePem" | "keyPem" | "der">>
> {
  const now = Date.now();
  const past = new Date(now - 1000);
  const root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  const rotated = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  const namelessKey = { subject: "CN=no-key-id,O=Example,C=US", subjectKeyIdentifier: false } as const;
  const otherName = await createCertificateAuthority({ subject: "CN=other-ca,O=Example,C=US" });
  const intermediate = await root.issueIntermediate({ subject: "CN=example-intermediate,O=Example,C=US" });
  const leaf = await root.issue({ subject: "CN=client,O=Example,C=US" });
  const hostileName = "CN='); DROP TABLE ca_certificates;--\\0D\\0AX-Injected: yes,O=Example";
  return {
    root,
    rotated,
    otherName,
    intermediate,
    leaf,
    hostile: await createCertificateAuthority({ subject: hostileName }),
    withoutKeyId: await createCertificateAuthority(namelessKey),
    withoutKeyIdEither: await createCertificateAuthority(namelessKey),
    selfIssued: await rotated.issueIntermediate({ subject: "CN=example-ca,O=Example,C=US" }),
    selfSignedLeaf: await createSelfSignedCertificate({ subject: "CN=leaf" }),
    cannotSign: await createCertificateAuthority({ subject: "CN=no-cert-sign", keyUsage: ["cRLSign"] }),
    versionOne: await createCertificateAuthority({ subject: "CN=v1", version: 1 }),
    expired: await createCertificateAuthority({ subject: "CN=late", notAfter: past }),
    future: await createCertificateAuthority({
      subject: "CN=early",
      notBefore: new Date(now + YEAR_MILLISECONDS),
      notAfter: new Date(now + 2 * YEAR_MILLISECONDS),
    }),
    rsa1024: await createCertificateAuthority({ subject: "CN=rsa1024", key: "rsa-1024" }),
    rsa2048: await createCertificateAuthority({ subject: "CN=rsa2048", key: "rsa-2048" }),
    rsaSha1: await createCertificateAuthority({ subject: "CN=rsa-sha1", key: "rsa-2048", signatureHash: "sha1" }),
    rsaPss: await createCertificateAuthority({ subject: "CN=rsa-pss", key: "rsa-2048", signaturePadding: "pss" }),
    rsaPssKey: await createCertificateAuthority({ subject: "CN=rsa-pss-key", key: "rsa-pss-2048" }),
    p384: await createCertificateAuthority({ subject: "CN=p384", key: "ec-p384", signatureHash: "sha384" }),
    p521: await createCertificateAuthority({ subject: "CN=p521", key: "ec-p521", signatureHash: "sha512" }),
    ed25519: await createCertificateAuthority({ subject: "CN=ed25519", key: "ed25519" }),
    large: await createCertificateAuthority({ subject: "CN=large", sizeBytes: 17 * 1024 }),
    forged: flipSignatureBit(root),
    truncated: truncateCertificate(root, -20),
  };
}

export default async function provideCertificates(project: TestProject): Promise<void> {
  const certificates = Object.entries(await createCertificates()).map(([name, { certificatePem, keyPem, der }]) => {
    return [name, { certificatePem, keyPem, derBase64: der.toString("base64") }];
  });
  project.provide("certificates", Object.fromEntries(certificates));
}
