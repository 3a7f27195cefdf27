/**
 * Reads the CA certificate that is to be uploaded. What would be a mistake to send is refused here, a private key before
 * all; whether the certificate is one to trust is the control plane's decision. Codes are the control plane's.
 */
import { readFileSync } from "node:fs";
import {
  containsPrivateKey,
  encodePem,
  isPrivateKey,
  type PemBlock,
  type PemFailureCode,
  parsePem,
} from "../../src/x509/pem.ts";
import { type Refusal, refuse } from "../api/refusal.ts";

const PEM_HINT = "give the file as PEM, with lines `-----BEGIN CERTIFICATE-----` and `-----END CERTIFICATE-----`";
/** Base64 of a SEQUENCE longer than 255 bytes: DER whose PEM lines are missing. */
const BARE_BASE64 = /^\s*MI[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** The one certificate in the file, as PEM, without what stands around it. @throws Refusal */
export function readCaFile(path: string): string {
  const bytes = readBytes(path);
  if (containsPrivateKey(bytes)) throw refusePrivateKey(path);
  const pem = parsePem(bytes);
  if (!pem.ok) throw refusePem(path, pem, bytes);
  if (pem.blocks.some(isPrivateKey)) throw refusePrivateKey(path);
  return encodePem("CERTIFICATE", onlyCertificate(path, pem.blocks).der);
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const hint = "give the path of the CA certificate: --cert ./ca.pem";
    if (code === "ENOENT") throw refuse("file_not_found", `"${path}" does not exist`, hint);
    if (code === "EISDIR") throw refuse("file_unreadable", `"${path}" is a directory`, hint);
    throw refuse("file_unreadable", `"${path}" cannot be read: ${message}`, hint);
  }
}

function refusePrivateKey(path: string): Refusal {
  return refuse(
    "private_key_in_file",
    `"${path}" holds a private key; nothing was sent, only the CA certificate is wanted`,
    `take the certificate alone: openssl x509 -in ${path} -out ca-only.pem`,
  );
}

function onlyCertificate(path: string, blocks: readonly PemBlock[]): PemBlock {
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE");
  const [only] = certificates;
  if (only === undefined) {
    const labels = [...new Set(blocks.map(({ label }) => label))].join(", ");
    throw refuse("no_certificate", `"${path}" holds no certificate, found: ${labels}`, PEM_HINT);
  }
  if (certificates.length > 1) {
    throw refuse(
      "several_certificates",
      `"${path}" holds ${certificates.length} certificates, allowed is one`,
      "upload each root CA certificate by itself; clients send the intermediates",
    );
  }
  return only;
}

function refuseDer(path: string, found: string): Refusal {
  const convert = `openssl x509 -inform der -in ${path} -out ca.pem`;
  return refuse("certificate_is_der", `"${path}" is ${found}, allowed is PEM`, `convert it: ${convert}`);
}

function refusePem(path: string, failure: { code: PemFailureCode; reason: string }, bytes: Uint8Array): Refusal {
  switch (failure.code) {
    case "der":
      return refuseDer(path, "DER");
    case "no_block":
      if (BARE_BASE64.test(new TextDecoder().decode(bytes))) return refuseDer(path, "base64 without PEM lines");
      return refuse("no_certificate", `"${path}" holds no certificate, found is no PEM block`, PEM_HINT);
    case "too_large":
    case "truncated":
    case "label_mismatch":
    case "bad_base64":
      return refuse("certificate_unreadable", `"${path}" is not PEM: ${failure.reason}`, PEM_HINT);
  }
}
