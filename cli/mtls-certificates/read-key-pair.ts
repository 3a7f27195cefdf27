/**
 * Reads the two files of a client certificate. Each gives only what it is for: of a file that holds certificate and key
 * the one or the other is taken, and the key goes where keys are kept encrypted. Codes are the control plane's.
 */
import { readFileSync } from "node:fs";
import {
  encodePem,
  isEncryptedPrivateKey,
  isPrivateKey,
  type PemBlock,
  type PemFailureCode,
  parsePem,
} from "../../src/x509/pem.ts";
import { type Refusal, refuse } from "../api/refusal.ts";

/** What a file is read for, and what is said when it does not hold it. */
interface Wanted {
  flag: "--cert ./client-cert.pem" | "--key ./client-key.pem";
  what: "certificate" | "private key";
  derCode: "certificate_is_der" | "private_key_is_der";
  missingCode: "no_certificate" | "no_private_key";
  unreadableCode: "certificate_unreadable" | "private_key_unreadable";
  convert: (path: string) => string;
}

const CERTIFICATE: Wanted = {
  flag: "--cert ./client-cert.pem",
  what: "certificate",
  derCode: "certificate_is_der",
  missingCode: "no_certificate",
  unreadableCode: "certificate_unreadable",
  convert: (path) => `openssl x509 -inform der -in ${path} -out client-cert.pem`,
};

const PRIVATE_KEY: Wanted = {
  flag: "--key ./client-key.pem",
  what: "private key",
  derCode: "private_key_is_der",
  missingCode: "no_private_key",
  unreadableCode: "private_key_unreadable",
  convert: (path) => `openssl pkey -inform der -in ${path} -out client-key.pem`,
};

/** All certificates in the file as PEM, in its order. @throws Refusal */
export function readCertificateFile(path: string): string {
  const blocks = readBlocks(path, CERTIFICATE);
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE");
  if (certificates.length === 0) throw refuseWithout(path, CERTIFICATE, blocks);
  return certificates.map(({ der }) => encodePem("CERTIFICATE", der)).join("");
}

/** The one private key in the file as PEM, in the form that it has. @throws Refusal */
export function readKeyFile(path: string): string {
  const blocks = readBlocks(path, PRIVATE_KEY);
  const [key, ...others] = blocks.filter(isPrivateKey);
  if (key === undefined) throw refuseWithout(path, PRIVATE_KEY, blocks);
  if (others.length > 0) {
    const message = `"${path}" holds ${others.length + 1} private keys, allowed is one`;
    throw refuse("several_private_keys", message, "give a file with the key of the client certificate alone");
  }
  if (isEncryptedPrivateKey(key)) {
    const message = `"${path}" is encrypted with a passphrase`;
    const decrypt = `openssl pkey -in ${path} -out client-key-plain.pem`;
    throw refuse("private_key_encrypted", message, `decrypt it, it is kept encrypted anyway: ${decrypt}`);
  }
  return encodePem(key.label, key.der);
}

function readBlocks(path: string, wanted: Wanted): PemBlock[] {
  const bytes = readBytes(path, wanted);
  const pem = parsePem(bytes);
  if (pem.ok) return pem.blocks;
  throw refusePem(path, wanted, pem, bytes);
}

function readBytes(path: string, { what, flag }: Wanted): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const hint = `give the path of the ${what}: ${flag}`;
    if (code === "ENOENT") throw refuse("file_not_found", `"${path}" does not exist`, hint);
    if (code === "EISDIR") throw refuse("file_unreadable", `"${path}" is a directory`, hint);
    throw refuse("file_unreadable", `"${path}" cannot be read: ${message}`, hint);
  }
}

function refuseWithout(path: string, { what, missingCode }: Wanted, blocks: readonly PemBlock[]): Refusal {
  const labels = [...new Set(blocks.map(({ label }) => label))].join(", ");
  return refuse(
    missingCode,
    `"${path}" holds no ${what}, found: ${labels}`,
    "the certificate is given with --cert, its private key with --key",
  );
}

/** Base64 of a SEQUENCE longer than 127 bytes: DER whose PEM lines are missing. */
const BARE_BASE64 = /^\s*MI[A-Za-z0-9+/\s]+={0,2}\s*$/;

function refusePem(
  path: string,
  wanted: Wanted,
  failure: { code: PemFailureCode; reason: string },
  bytes: Uint8Array,
): Refusal {
  const lines = `give the file as PEM, with lines \`-----BEGIN ${wanted.what.toUpperCase()}-----\``;
  switch (failure.code) {
    case "der":
      return refuse(wanted.derCode, `"${path}" is DER, allowed is PEM`, `convert it: ${wanted.convert(path)}`);
    case "no_block":
      if (BARE_BASE64.test(new TextDecoder().decode(bytes))) {
        return refuse(wanted.derCode, `"${path}" is base64 without PEM lines, allowed is PEM`, lines);
      }
      return refuse(wanted.missingCode, `"${path}" holds no ${wanted.what}, found is no PEM block`, lines);
    case "too_large":
    case "truncated":
    case "label_mismatch":
    case "bad_base64":
      return refuse(wanted.unreadableCode, `"${path}" is not PEM: ${failure.reason}`, lines);
  }
}
