/**
 * The certificates that a deployment to Cloudflare needs, from files: the control plane gives no private key out again, to nobody. What is
 * wrong with them is said before anything is sent.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { IDENTIFIER_ALLOWED, isIdentifier } from "../../src/contract/identifier.ts";
import { readCaFile } from "../ca-certificates/read-ca-file.ts";
import { readCertificateFile, readKeyFile } from "../mtls-certificates/read-key-pair.ts";
import { CliError } from "../output.ts";

export interface CertificateFile {
  /** Of an mTLS certificate also the name of its binding */
  name: string;
  certificatePath: string;
  /** Undefined for a CA certificate */
  keyPath: string | undefined;
  /** SHA-256 over the first certificate's DER, as {@link fingerprintOf} */
  fingerprint: string;
}

/** `--ca <name>=<pem>`. @throws CliError */
export function readCaFlag(text: string): CertificateFile {
  const { name, value: certificatePath } = splitFlag(text, "--ca <name>=<ca.pem>");
  const certificate = new X509Certificate(readCaFile(certificatePath));
  if (!certificate.ca) {
    throw new CliError(
      `"${certificatePath}" is no CA certificate`,
      "--ca takes the root that issued the clients' certificates",
    );
  }
  return { name, certificatePath, keyPath: undefined, fingerprint: certificate.fingerprint256 };
}

/** `--mtls-certificate <name>=<cert>,<key>`. @throws CliError */
export function readMtlsFlag(text: string): CertificateFile {
  const usage = "--mtls-certificate <name>=<cert.pem>,<key.pem>";
  const { name, value } = splitFlag(text, usage);
  const [certificatePath = "", keyPath = "", ...others] = value.split(",");
  if (certificatePath === "" || keyPath === "" || others.length > 0) throw wrongUsage(text, usage);
  const leaf = new X509Certificate(readCertificateFile(certificatePath));
  if (!leaf.checkPrivateKey(createPrivateKey(readKeyFile(keyPath)))) {
    throw new CliError(
      `"${keyPath}" is not the key of "${certificatePath}"`,
      `compare: openssl x509 -in ${certificatePath} -noout -pubkey; openssl pkey -in ${keyPath} -pubout`,
    );
  }
  if (Date.parse(leaf.validTo) < Date.now()) throw new CliError(`"${certificatePath}" expired on ${leaf.validTo}`);
  return { name, certificatePath, keyPath, fingerprint: leaf.fingerprint256 };
}

/** Undefined for what is no certificate. */
export function fingerprintOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return undefined;
  }
}

function splitFlag(text: string, usage: string): { name: string; value: string } {
  const separator = text.indexOf("=");
  const [name, value] = [text.slice(0, separator), text.slice(separator + 1)];
  if (separator < 1 || value === "") throw wrongUsage(text, usage);
  if (isIdentifier(name)) return { name, value };
  throw new CliError(`"${name}" cannot be the name of a certificate`, `allowed are ${IDENTIFIER_ALLOWED}`);
}

function wrongUsage(text: string, usage: string): CliError {
  return new CliError(`"${text}" does not say what is wanted`, usage);
}
