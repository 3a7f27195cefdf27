/**
 * A file as a client is given it: the certificates that the client would send, in the order in which it would send
 * them. Private keys are noticed and not looked at. What no TLS client could load is refused here, with what to do.
 */
import { X509Certificate } from "node:crypto";
import { type Certificate, readCertificate } from "../../src/x509/certificate.ts";
import { containsPrivateKey, encodePem, isPrivateKey, type PemFailureCode, parsePem } from "../../src/x509/pem.ts";
import { CliError } from "../output.ts";

export interface FileCertificate {
  readonly x509: X509Certificate;
  /** Undefined for what OpenSSL reads and we refuse to, an extension that occurs twice for instance */
  readonly details: Certificate | undefined;
  /** Why {@link details} is undefined */
  readonly unreadable: string | undefined;
}

export interface CertificateFile {
  /** `standard input` or the path */
  readonly origin: string;
  /** In file order, at least one */
  readonly certificates: readonly [FileCertificate, ...FileCertificate[]];
  readonly hasPrivateKey: boolean;
  /** Labels of blocks that are neither certificate nor private key */
  readonly ignoredLabels: readonly string[];
}

/** The labels that OpenSSL takes for a certificate. */
const CERTIFICATE_LABELS = ["CERTIFICATE", "X509 CERTIFICATE"];

/** @throws CliError when there is no certificate in it, or one that OpenSSL does not read */
export function parseCertificateFile(content: Uint8Array, origin: string): CertificateFile {
  const pem = parsePem(content);
  if (!pem.ok) {
    // DER is binary: what looks like text in it is chance.
    const isKey = pem.code !== "der" && containsPrivateKey(content);
    throw new CliError(`"${origin}": ${pem.reason}`, pemHint(pem.code, content, origin), ...(isKey ? [KEY_HINT] : []));
  }
  const hasPrivateKey = pem.blocks.some(isPrivateKey);
  const [leaf, ...others] = pem.blocks
    .filter(({ label }) => CERTIFICATE_LABELS.includes(label))
    .map(({ der }, index) => readFileCertificate(der, index + 1, origin));
  const otherLabels = pem.blocks
    .filter((block) => !CERTIFICATE_LABELS.includes(block.label) && !isPrivateKey(block))
    .map(({ label }) => label);
  if (leaf === undefined) {
    const found = [...new Set(pem.blocks.map(({ label }) => `"${label}"`))].join(", ");
    throw new CliError(`"${origin}": holds no certificate, found ${found}`, labelHint(otherLabels, hasPrivateKey));
  }
  return { origin, certificates: [leaf, ...others], hasPrivateKey, ignoredLabels: otherLabels };
}

function readFileCertificate(der: Uint8Array, position: number, origin: string): FileCertificate {
  try {
    // As PEM, like TLS clients: OpenSSL's reader of DER overlooks what stands behind the certificate, and theirs does not.
    return describeCertificate(new X509Certificate(encodePem("CERTIFICATE", der)));
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException & { reason?: string }).reason ?? (cause as Error).message;
    throw new CliError(
      `"${origin}": certificate ${position} is not an X.509 certificate, OpenSSL says "${reason}"`,
      "no client can present it: have it issued or exported again",
    );
  }
}

export function describeCertificate(x509: X509Certificate): FileCertificate {
  const result = readCertificate(x509.raw);
  return result.ok
    ? { x509, details: result.certificate, unreadable: undefined }
    : { x509, details: undefined, unreadable: result.reason };
}

const KEY_HINT = "the file holds a private key: it belongs to the client alone, never share it";

function pemHint(code: PemFailureCode, content: Uint8Array, origin: string): string {
  switch (code) {
    case "der":
      return isDerCertificate(content)
        ? `convert it: openssl x509 -inform der -in ${origin} -out client.pem`
        : `if it is PKCS #12 (.p12, .pfx), take the certificates out: openssl pkcs12 -in ${origin} -nokeys -out client.pem`;
    case "too_large":
      return "give a file with the client certificate and its intermediates only";
    case "no_block":
      return "give a PEM file, whose first line is -----BEGIN CERTIFICATE-----";
    case "truncated":
    case "label_mismatch":
    case "bad_base64":
      return "copy the file again, whole: from the -----BEGIN to the -----END line nothing may be missing or added";
  }
}

function isDerCertificate(content: Uint8Array): boolean {
  try {
    new X509Certificate(content);
    return true;
  } catch {
    return false;
  }
}

function labelHint(labels: readonly string[], hasPrivateKey: boolean): string {
  if (labels.includes("TRUSTED CERTIFICATE")) return "convert it: openssl x509 -in trusted.pem -out client.pem";
  if (labels.includes("PKCS7")) return "convert it: openssl pkcs7 -in bundle.p7b -print_certs -out client.pem";
  if (labels.some((label) => label.endsWith("CERTIFICATE REQUEST"))) {
    return "this is a request: give the certificate that the CA issued for it";
  }
  return hasPrivateKey
    ? `give the certificate that belongs to this key; ${KEY_HINT}`
    : "give a PEM file, whose first line is -----BEGIN CERTIFICATE-----";
}
