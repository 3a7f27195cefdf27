/** Makes the certificates that the tests upload: keys are made in Node, before workerd starts. */
import { createPrivateKey } from "node:crypto";
import type { TestProject } from "vitest/node";
import type { CertificateOptions } from "../../fixtures/pki/certificate.ts";
import {
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit, truncateCertificate } from "../../fixtures/pki/damage.ts";
import type { CertificateName, KeyForm } from "./certificates.ts";

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
  const expiredIntermediate = await root.issueIntermediate({ subject: "CN=late-intermediate", notAfter: past });
  const leaf = await root.issue({ subject: "CN=client,O=Example,C=US" });
  const client = (options: Partial<CertificateOptions>) =>
    root.issue({ subject: "CN=gateway,O=Example,C=US", ...options });
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
    client: await client({}),
    rotatedClient: await client({}),
    chained: await intermediate.issue({ subject: "CN=chained,O=Example,C=US" }),
    expiredIntermediate,
    underExpired: await expiredIntermediate.issue({ subject: "CN=under-expired,O=Example,C=US" }),
    clientRsa: await client({ key: "rsa-2048" }),
    clientRsaPss: await client({ key: "rsa-pss-2048" }),
    clientP384: await client({ key: "ec-p384" }),
    clientP521: await client({ key: "ec-p521" }),
    clientEd25519: await client({ key: "ed25519" }),
    clientWithoutPurpose: await createSelfSignedCertificate({ subject: "CN=plain", extendedKeyUsage: [] }),
    clientAnyPurpose: await client({ extendedKeyUsage: ["any"] }),
    serverOnly: await client({ extendedKeyUsage: ["serverAuth"] }),
    expiredClient: await client({ notAfter: past }),
    futureClient: await client({
      notBefore: new Date(now + YEAR_MILLISECONDS),
      notAfter: new Date(now + 2 * YEAR_MILLISECONDS),
    }),
    clientRsa1024: await client({ key: "rsa-1024" }),
  };
}

const ENCRYPTION = { cipher: "aes-256-cbc", passphrase: "secret" };
/** As `openssl ecparam -genkey` writes it before the key: the name of P-256 */
const EC_PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

function createKeyForms(client: { keyPem: string }, clientRsa: { keyPem: string }): Record<KeyForm, string> {
  const key = createPrivateKey(client.keyPem);
  const sec1 = key.export({ type: "sec1", format: "pem" }).toString();
  return {
    sec1,
    sec1WithParameters: EC_PARAMETERS + sec1,
    pkcs1: createPrivateKey(clientRsa.keyPem).export({ type: "pkcs1", format: "pem" }).toString(),
    encryptedPkcs8: key.export({ type: "pkcs8", format: "pem", ...ENCRYPTION }).toString(),
    encryptedSec1: key.export({ type: "sec1", format: "pem", ...ENCRYPTION }).toString(),
    unknownForm: client.keyPem.replaceAll("PRIVATE KEY", "OPENSSH PRIVATE KEY"),
  };
}

export default async function provideCertificates(project: TestProject): Promise<void> {
  const created = await createCertificates();
  const certificates = Object.entries(created).map(([name, { certificatePem, keyPem, der }]) => {
    return [name, { certificatePem, keyPem, derBase64: der.toString("base64") }];
  });
  project.provide("certificates", Object.fromEntries(certificates));
  project.provide("keyForms", createKeyForms(created.client, created.clientRsa));
}
