/** The CA that signs, from its files: looked at before it is used, so that no certificate comes of it that fails later. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CertificateAuthority, loadCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { isEncryptedPrivateKey, parsePem } from "../../src/x509/pem.ts";
import { refuse } from "../api/refusal.ts";
import { INTERMEDIATE_FILES, readPemFile, writePemFiles } from "./files.ts";
import { parseSubject } from "./subject.ts";
import { createValidity } from "./validity.ts";

export interface Issuer {
  authority: CertificateAuthority;
  certificate: X509Certificate;
  /** What a client sends after its own certificate: the issuer and those above it, without the root */
  chainPem: string;
}

const INTERMEDIATE_LIFETIME_DAYS = 1825;
/** What the documentation's `/v1/chain` expects */
const INTERMEDIATE_SUBJECT = "CN=example-intermediate,O=Example,C=US";

/** @throws Refusal when the files are missing, do not belong together, or are not a CA's */
export function loadIssuer(certificatePath: string, keyPath: string, now: Date): Issuer {
  const hint = "make a CA first: sallyport pki init; or name one: --ca <file> --ca-key <file>";
  const certificate = readCertificatePem(certificatePath, readPemFile(certificatePath, hint));
  const keyPem = readPemFile(keyPath, hint);
  const problem = findProblem(certificate, readKey(keyPath, keyPem), now);
  if (problem !== undefined) throw refuse("ca_unusable", `"${certificatePath}" ${problem}`, hint);
  const pem = certificate.toString();
  return {
    authority: loadCertificateAuthority(pem, keyPem),
    certificate,
    chainPem: isIssuedBy(certificate, certificate) ? "" : pem,
  };
}

function readCertificatePem(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    const hint = "give the CA certificate as PEM, with a line `-----BEGIN CERTIFICATE-----`";
    throw refuse("certificate_unreadable", `"${path}" holds no certificate that can be read`, hint);
  }
}

function readKey(path: string, pem: string): KeyObject {
  const blocks = parsePem(pem);
  if (blocks.ok && blocks.blocks.some(isEncryptedPrivateKey)) {
    const hint = `decrypt it: openssl pkey -in ${path} -out ca-plain.key`;
    throw refuse("key_encrypted", `"${path}" is an encrypted key, allowed is one without a passphrase`, hint);
  }
  try {
    return createPrivateKey(pem);
  } catch {
    const hint = "give the private key of the CA as PEM: --ca-key <file>";
    throw refuse("key_unreadable", `"${path}" holds no private key that can be read`, hint);
  }
}

function findProblem(certificate: X509Certificate, key: KeyObject, now: Date): string | undefined {
  if (!certificate.ca) return "is not a CA certificate";
  if (!certificate.checkPrivateKey(key)) return "does not belong to the private key";
  return certificate.validToDate <= now ? `has expired on ${certificate.validToDate.toISOString()}` : undefined;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** The intermediate CA in `dir`, made under `root` if there is none, or with `force` if there is another's. */
export async function openIntermediate(
  root: Issuer,
  options: { dir: string; subject: string | undefined; force: boolean; now: Date },
): Promise<Issuer> {
  const [certificatePath, keyPath] = [INTERMEDIATE_FILES.certificate, INTERMEDIATE_FILES.key].map((name) =>
    join(options.dir, name),
  ) as [string, string];
  const isThere = existsSync(certificatePath) || existsSync(keyPath);
  if (isThere && !options.force) return loadIntermediate(root, certificatePath, keyPath, options.now);
  await createIntermediate(root, options);
  return loadIntermediate(root, certificatePath, keyPath, options.now);
}

function loadIntermediate(root: Issuer, certificatePath: string, keyPath: string, now: Date): Issuer {
  const issuer = loadIssuer(certificatePath, keyPath, now);
  if (!isIssuedBy(issuer.certificate, root.certificate)) {
    const hint = "take another --dir, or make a new one: --force";
    throw refuse("ca_unusable", `"${certificatePath}" was not issued by this CA`, hint);
  }
  return { ...issuer, chainPem: issuer.chainPem + root.chainPem };
}

async function createIntermediate(
  root: Issuer,
  { dir, subject, now }: { dir: string; subject: string | undefined; now: Date },
): Promise<void> {
  const validity = createValidity(now, INTERMEDIATE_LIFETIME_DAYS, root.certificate.validToDate);
  const intermediate = await root.authority.issueIntermediate({
    subject: parseSubject(subject ?? INTERMEDIATE_SUBJECT),
    basicConstraints: { ca: true, pathLength: 0 },
    ...validity,
  });
  writePemFiles(dir, {
    [INTERMEDIATE_FILES.key]: intermediate.keyPem,
    [INTERMEDIATE_FILES.certificate]: intermediate.certificatePem,
  });
}
