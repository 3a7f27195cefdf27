/** Describes the public key of a certificate, for people and for checks of its strength. The key itself is not used. */
import { type DerElement, DerError, DerTag, expectDer, readDer, readDerChildren } from "./der.ts";
import { decodeObjectIdentifier } from "./object-identifier.ts";

export interface PublicKeyDescription {
  /** `EC P-256`, `RSA 2048`, `RSA-PSS 2048`, `Ed25519`; the dotted OID of an algorithm that has no name here */
  readonly description: string;
  readonly algorithm: "RSA" | "RSA-PSS" | "EC" | "Ed25519" | "Ed448" | "other";
  /** Size of the modulus or of the curve, undefined when it is not known here */
  readonly bits: number | undefined;
}

const CURVES = new Map([
  ["1.2.840.10045.3.1.7", { name: "P-256", bits: 256 }],
  ["1.3.132.0.34", { name: "P-384", bits: 384 }],
  ["1.3.132.0.35", { name: "P-521", bits: 521 }],
  ["1.3.132.0.10", { name: "secp256k1", bits: 256 }],
]);

/**
 * Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
 * @throws DerError
 */
export function describePublicKey(element: DerElement): PublicKeyDescription {
  const [identifier, key] = readDerChildren(expectDer(element, DerTag.sequence, "subjectPublicKeyInfo"));
  const [oid, parameters] = readDerChildren(expectDer(identifier, DerTag.sequence, "the key algorithm"));
  const algorithm = decodeObjectIdentifier(oid, "the key algorithm");
  switch (algorithm) {
    case "1.2.840.113549.1.1.1":
      return describeRsa("RSA", key);
    case "1.2.840.113549.1.1.10":
      return describeRsa("RSA-PSS", key);
    case "1.2.840.10045.2.1":
      return describeEc(parameters);
    case "1.3.101.112":
      return { description: "Ed25519", algorithm: "Ed25519", bits: 256 };
    case "1.3.101.113":
      return { description: "Ed448", algorithm: "Ed448", bits: 456 };
    default:
      return { description: algorithm, algorithm: "other", bits: undefined };
  }
}

function describeRsa(algorithm: "RSA" | "RSA-PSS", key: DerElement | undefined): PublicKeyDescription {
  const { content } = expectDer(key, DerTag.bitString, "the public key");
  if (content[0] !== 0) throw new DerError("the public key is not whole bytes");
  const [modulus] = readDerChildren(expectDer(readDer(content.subarray(1)), DerTag.sequence, "the RSA key"));
  const bits = countBits(expectDer(modulus, DerTag.integer, "the RSA modulus").content);
  return { description: `${algorithm} ${bits}`, algorithm, bits };
}

function describeEc(parameters: DerElement | undefined): PublicKeyDescription {
  if (parameters?.tag !== DerTag.objectIdentifier) {
    return { description: "EC with explicit parameters", algorithm: "EC", bits: undefined };
  }
  const oid = decodeObjectIdentifier(parameters, "the curve");
  const curve = CURVES.get(oid);
  return { description: `EC ${curve?.name ?? oid}`, algorithm: "EC", bits: curve?.bits };
}

function countBits(integer: Uint8Array): number {
  const first = integer.findIndex((byte) => byte !== 0);
  if (first === -1) return 0;
  return 8 * (integer.length - first) - (Math.clz32(integer[first] ?? 0) - 24);
}
