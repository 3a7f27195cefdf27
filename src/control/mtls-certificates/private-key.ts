/**
 * The private key of an upload: read from any of the three PEM forms that OpenSSL writes, brought into one (PKCS #8,
 * RFC 5958), and proven to belong to its certificate by a signature. Nothing of a key is ever part of a refusal.
 */
import type { Certificate } from "../../x509/certificate.ts";
import {
  type DerElement,
  DerTag,
  encodeDer,
  expectDer,
  readDer,
  readDerChildren,
  readDerSmallInteger,
} from "../../x509/der.ts";
import { decodeObjectIdentifier } from "../../x509/object-identifier.ts";
import { isEncryptedPrivateKey, isPrivateKey, type PemBlock, type PemFailureCode, parsePem } from "../../x509/pem.ts";
import type { Refusal } from "../certificate-upload.ts";

/** RSA 8192 has 4.7 KiB; a larger one would cost a second of CPU for each signature. */
const PRIVATE_KEY_MAX_BYTES = 6 * 1024;

export interface PrivateKey {
  /** Canonical: version 0, without attributes and public key */
  pkcs8: Uint8Array;
  /** Undefined for one that nothing here can use */
  algorithm: KeyAlgorithm | undefined;
}

type KeyAlgorithm = "RSA" | "RSA-PSS" | "EC P-256" | "EC P-384" | "EC P-521" | "Ed25519";

type PrivateKeyResult = { ok: true; key: PrivateKey } | { ok: false; refusal: Refusal };

const PEM_HINT = "give the file as PEM, with lines `-----BEGIN PRIVATE KEY-----` and `-----END PRIVATE KEY-----`";
const CONVERT_HINT = "convert it: openssl pkcs8 -topk8 -nocrypt -in client-key.pem -out client-key-pkcs8.pem";
const SUPPORTED_HINT = "allowed are RSA, ECDSA P-256, P-384 and P-521, and Ed25519";

/** The one private key of a file; blocks of another kind (`EC PARAMETERS`, a certificate) are passed over. Never throws. */
export function parsePrivateKey(text: string): PrivateKeyResult {
  const pem = parsePem(text);
  if (!pem.ok) return { ok: false, refusal: refusePem(pem.code, pem.reason) };
  const keys = pem.blocks.filter(isPrivateKey);
  const [block] = keys;
  if (block === undefined) {
    return refuse("no_private_key", "the file holds no private key, found are other PEM blocks", PEM_HINT);
  }
  if (keys.length > 1) {
    const hint = "send the key of the client certificate alone";
    return refuse("several_private_keys", `the file holds ${keys.length} private keys, allowed is one`, hint);
  }
  if (isEncryptedPrivateKey(block)) {
    const hint = "decrypt it, it is encrypted here anyway: openssl pkey -in client-key.pem -out client-key-plain.pem";
    return refuse("private_key_encrypted", "the private key is encrypted with a passphrase", hint);
  }
  if (block.der.length > PRIVATE_KEY_MAX_BYTES) {
    const message = `the private key has ${block.der.length} bytes, allowed are ${PRIVATE_KEY_MAX_BYTES}`;
    return refuse("private_key_unsupported", message, SUPPORTED_HINT);
  }
  return readBlock(block);
}

function refuse(code: Refusal["code"], message: string, hint: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { code, message, hint } };
}

/** The reason of a parser names lines and labels only; labels are left out here, being the sender's text. */
function refusePem(code: PemFailureCode, reason: string): Refusal {
  switch (code) {
    case "der":
      return {
        code: "private_key_is_der",
        message: "the file is DER, allowed is PEM",
        hint: "convert it: openssl pkey -inform der -in client-key.der -out client-key.pem",
      };
    case "no_block":
      return {
        code: "no_private_key",
        message: "the file holds no private key, found is no PEM block",
        hint: PEM_HINT,
      };
    case "too_large":
      return { code: "private_key_unreadable", message: `the file is not PEM: ${reason}`, hint: PEM_HINT };
    case "truncated":
    case "label_mismatch":
      return { code: "private_key_unreadable", message: "the file is not PEM: a block has no end", hint: PEM_HINT };
    case "bad_base64":
      return {
        code: "private_key_unreadable",
        message: "the file is not PEM: a block does not hold base64",
        hint: PEM_HINT,
      };
  }
}

function readBlock(block: PemBlock): PrivateKeyResult {
  try {
    const key = decodeBlock(block);
    if (key !== undefined) return { ok: true, key };
    return refuse("private_key_unsupported", "the private key has a form that is not known here", CONVERT_HINT);
  } catch {
    // What a DER reader says tells of the bytes that it read: not for an answer
    return refuse("private_key_unreadable", "the private key cannot be read: its PEM block is damaged", CONVERT_HINT);
  }
}

/** AlgorithmIdentifier of rsaEncryption with its NULL (RFC 3279, section 2.3.1) */
const RSA_ENCRYPTION = Uint8Array.from([0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0]);
/** OBJECT IDENTIFIER id-ecPublicKey (RFC 5480, section 2.1.1) */
const EC_PUBLIC_KEY = Uint8Array.from([6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);

/** Undefined for a form that is not one of the three. @throws DerError */
function decodeBlock({ label, der }: PemBlock): PrivateKey | undefined {
  switch (label) {
    case "PRIVATE KEY":
      return decodePkcs8(der);
    case "RSA PRIVATE KEY":
      return createPrivateKey(readDer(RSA_ENCRYPTION), readDer(der).bytes);
    case "EC PRIVATE KEY":
      return createPrivateKey(readSec1Algorithm(der), der);
    default:
      return undefined;
  }
}

function decodePkcs8(der: Uint8Array): PrivateKey {
  const [version, algorithm, key] = readDerChildren(expectDer(readDer(der), DerTag.sequence, "the key"));
  readDerSmallInteger(version, "the version");
  return createPrivateKey(
    expectDer(algorithm, DerTag.sequence, "the algorithm"),
    expectDer(key, DerTag.octetString, "the key").content,
  );
}

const EXPLICIT_CURVE = 0xa0;

/** The curve stands inside ECPrivateKey (RFC 5915, section 3), where PKCS #8 has it outside. */
function readSec1Algorithm(der: Uint8Array): DerElement {
  const parts = readDerChildren(expectDer(readDer(der), DerTag.sequence, "the EC key"));
  const curve = expectDer(
    parts.find(({ tag }) => tag === EXPLICIT_CURVE),
    EXPLICIT_CURVE,
    "the curve",
  );
  return readDer(encodeDer(DerTag.sequence, Uint8Array.from([...EC_PUBLIC_KEY, ...curve.content])));
}

function createPrivateKey(algorithm: DerElement, key: Uint8Array): PrivateKey {
  return { pkcs8: encodePkcs8(algorithm.bytes, key), algorithm: readKeyAlgorithm(algorithm) };
}

function encodePkcs8(algorithm: Uint8Array, key: Uint8Array): Uint8Array {
  const version = [DerTag.integer, 1, 0];
  return encodeDer(DerTag.sequence, Uint8Array.from([...version, ...algorithm, ...encodeDer(DerTag.octetString, key)]));
}

const CURVES = new Map<string, KeyAlgorithm>([
  ["1.2.840.10045.3.1.7", "EC P-256"],
  ["1.3.132.0.34", "EC P-384"],
  ["1.3.132.0.35", "EC P-521"],
]);

/** Undefined for an algorithm or a curve that is not known here. @throws DerError */
function readKeyAlgorithm(identifier: DerElement): KeyAlgorithm | undefined {
  const [oid, parameters] = readDerChildren(identifier);
  switch (decodeObjectIdentifier(oid, "the algorithm")) {
    case "1.2.840.113549.1.1.1":
      return "RSA";
    case "1.2.840.113549.1.1.10":
      return "RSA-PSS";
    case "1.2.840.10045.2.1":
      return parameters?.tag === DerTag.objectIdentifier
        ? CURVES.get(decodeObjectIdentifier(parameters, "the curve"))
        : undefined;
    case "1.3.101.112":
      return "Ed25519";
    default:
      return undefined;
  }
}

/** Whether the key belongs to the certificate: it signs, and the certificate's public key verifies. Never throws. */
export async function checkKeyMatches(certificate: Certificate, { pkcs8, algorithm }: PrivateKey) {
  if (algorithm === undefined) {
    const message = "the private key has an algorithm or a curve that is not supported";
    return refuse("private_key_unsupported", message, SUPPORTED_HINT).refusal;
  }
  const [identifier, publicKey] = readDerChildren(readDer(certificate.publicKeyDer));
  const expected = identifier && readKeyAlgorithm(identifier);
  const mismatch: Refusal = {
    code: "private_key_mismatch",
    message: `the private key does not belong to the certificate: a key of the kind ${algorithm}, expected is the one of ${certificate.publicKey.description}`,
    hint: "compare: openssl x509 -in client-cert.pem -noout -pubkey, and openssl pkey -in client-key.pem -pubout",
  };
  if (expected !== algorithm || publicKey === undefined) return mismatch;
  const isPair = await signsFor(algorithm, pkcs8, certificate.publicKeyDer, publicKey.bytes);
  return isPair ? undefined : mismatch;
}

async function signsFor(algorithm: KeyAlgorithm, pkcs8: Uint8Array, spki: Uint8Array, publicKey: Uint8Array) {
  const parameters = webCryptoOf(algorithm);
  // WebCrypto reads no id-RSASSA-PSS: the key itself is the same in both
  const isPss = algorithm === "RSA-PSS";
  const secret = isPss ? encodePkcs8(RSA_ENCRYPTION, readPkcs8Key(pkcs8)) : pkcs8;
  const open = isPss ? encodeDer(DerTag.sequence, Uint8Array.from([...RSA_ENCRYPTION, ...publicKey])) : spki;
  const data = new TextEncoder().encode("do these two belong together?");
  try {
    const [signer, verifier] = await Promise.all([
      crypto.subtle.importKey("pkcs8", new Uint8Array(secret), parameters, false, ["sign"]),
      crypto.subtle.importKey("spki", new Uint8Array(open), parameters, false, ["verify"]),
    ]);
    return await crypto.subtle.verify(parameters, verifier, await crypto.subtle.sign(parameters, signer, data), data);
  } catch {
    return false;
  }
}

function readPkcs8Key(pkcs8: Uint8Array): Uint8Array {
  return expectDer(readDerChildren(readDer(pkcs8))[2], DerTag.octetString, "the key").content;
}

function webCryptoOf(algorithm: KeyAlgorithm) {
  if (algorithm === "Ed25519") return { name: "Ed25519" };
  if (algorithm.startsWith("RSA")) return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  return { name: "ECDSA", namedCurve: algorithm.slice("EC ".length), hash: "SHA-256" };
}
