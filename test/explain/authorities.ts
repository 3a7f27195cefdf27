/** The certification authorities of these tests: what is uploaded to which account, and what is behind it. */
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import type { Accounts } from "../edge/harness/trust.ts";

export const DAY_MS = 86_400_000;
export const YESTERDAY = new Date(Date.now() - DAY_MS);
export const TOMORROW = new Date(Date.now() + DAY_MS);
export const LONG_AGO = new Date(0);

const ROOT_NAME = "CN=example-ca,O=Example,C=US";

export interface Authorities {
  root: CertificateAuthority;
  intermediate: CertificateAuthority;
  /** Under {@link intermediate} */
  second: CertificateAuthority;
  /** Uploaded beside {@link root} */
  other: CertificateAuthority;
  /** Nobody uploaded it */
  rogue: CertificateAuthority;
  /** The name of {@link root}, another key; nobody uploaded it */
  namesake: CertificateAuthority;
  rsaRoot: CertificateAuthority;
  edRoot: CertificateAuthority;
  pssRoot: CertificateAuthority;
  expiredRoot: CertificateAuthority;
  futureRoot: CertificateAuthority;
  weakRoot: CertificateAuthority;
  /** No intermediate below it */
  shortRoot: CertificateAuthority;
  /** Version 1: no extensions */
  oldRoot: CertificateAuthority;
  /** Its key usage does not let it sign certificates */
  signlessRoot: CertificateAuthority;
  constrainedRoot: CertificateAuthority;
  serverRoot: CertificateAuthority;
  /** May be a client as well */
  allround: CertificateAuthority;
  /** Two uploaded roots of one name with different keys */
  oldKey: CertificateAuthority;
  newKey: CertificateAuthority;
  /** Two uploaded certificates of one key */
  renewed: CertificateAuthority;
}

export async function createAuthorities(): Promise<Authorities> {
  const root = await createCertificateAuthority({ subject: ROOT_NAME });
  const intermediate = await root.issueIntermediate({ subject: "CN=example-intermediate,O=Example,C=US" });
  return {
    root,
    intermediate,
    second: await intermediate.issueIntermediate({ subject: "CN=second-intermediate" }),
    other: await createCertificateAuthority({ subject: "CN=other-ca" }),
    rogue: await createCertificateAuthority({ subject: "CN=rogue-ca" }),
    namesake: await createCertificateAuthority({ subject: ROOT_NAME }),
    rsaRoot: await createCertificateAuthority({ subject: "CN=rsa-ca", key: "rsa-2048" }),
    edRoot: await createCertificateAuthority({ subject: "CN=ed-ca", key: "ed25519" }),
    pssRoot: await createCertificateAuthority({ subject: "CN=pss-ca", key: "rsa-pss-2048" }),
    expiredRoot: await createCertificateAuthority({
      subject: "CN=expired-ca",
      notBefore: LONG_AGO,
      notAfter: YESTERDAY,
    }),
    futureRoot: await createCertificateAuthority({ subject: "CN=future-ca", notBefore: TOMORROW }),
    weakRoot: await createCertificateAuthority({ subject: "CN=weak-ca", key: "rsa-1024" }),
    shortRoot: await createCertificateAuthority({
      subject: "CN=short-ca",
      basicConstraints: { ca: true, pathLength: 0 },
    }),
    oldRoot: await createCertificateAuthority({ subject: "CN=old-ca", version: 1 }),
    signlessRoot: await createCertificateAuthority({ subject: "CN=signless-ca", keyUsage: ["digitalSignature"] }),
    constrainedRoot: await createCertificateAuthority({
      subject: "CN=constrained-ca",
      nameConstraints: { permitted: ["dns:example.com"] },
    }),
    serverRoot: await createCertificateAuthority({ subject: "CN=server-ca", extendedKeyUsage: ["serverAuth"] }),
    allround: await createCertificateAuthority({ subject: "CN=allround-ca", keyUsage: [] }),
    oldKey: await createCertificateAuthority({ subject: "CN=rotated-ca", subjectKeyIdentifier: false }),
    newKey: await createCertificateAuthority({ subject: "CN=rotated-ca", subjectKeyIdentifier: false }),
    renewed: await createCertificateAuthority({ subject: ROOT_NAME, key: root.keys }),
  };
}

/** One account a way of having CA certificates; the host name says which. */
export const HOSTS = {
  usual: "a.test",
  odd: "odd.test",
  rotation: "rotation.test",
  renewal: "renewal.test",
  intermediateOnly: "intermediate.test",
  empty: "empty.test",
} as const;

export type HostName = keyof typeof HOSTS;

export function createAccounts(all: Authorities): Record<HostName, Accounts[string]> {
  const { root, other, rsaRoot, edRoot, pssRoot, oldKey, newKey, renewed, intermediate } = all;
  const { expiredRoot, futureRoot, weakRoot, shortRoot, oldRoot } = all;
  const { signlessRoot, constrainedRoot, serverRoot, allround } = all;
  return {
    usual: account("usual", { demo_ca: root, other, rsaRoot, edRoot, pssRoot }),
    odd: account("odd", {
      ...{ expiredRoot, futureRoot, weakRoot, shortRoot, oldRoot },
      ...{ signlessRoot, constrainedRoot, serverRoot, allround },
    }),
    rotation: account("rotation", { oldKey, newKey }),
    renewal: account("renewal", { demo_ca: root, renewed }),
    intermediateOnly: account("intermediateOnly", { intermediate }),
    empty: account("empty", {}),
  };
}

function account(host: HostName, caCertificates: Record<string, CertificateAuthority>): Accounts[string] {
  return { domains: [HOSTS[host]], caCertificates };
}
