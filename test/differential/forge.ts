/**
 * Certificates that fixtures/pki has no option for: taken apart into their encoded parts, altered, and signed again, so
 * that what is odd about them is not that the signature is wrong.
 */

import type { IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { replaceDer } from "../../fixtures/pki/damage.ts";
import { encodeDer, encodeTlv } from "../../fixtures/pki/der.ts";
import { createSigner, type KeyPair } from "../../fixtures/pki/keys.ts";
import { type DerElement, readDer, readDerChildren } from "../../src/x509/der.ts";

/** The elements of a TBSCertificate, each encoded whole; what is left undefined is left out. */
export interface Parts {
  version: Uint8Array | undefined;
  serialNumber: Uint8Array;
  signature: Uint8Array;
  issuer: Uint8Array;
  validity: Uint8Array;
  subject: Uint8Array;
  publicKey: Uint8Array;
  /** issuerUniqueID and subjectUniqueID */
  uniqueIds: Uint8Array[];
  /** Each an `Extension` */
  extensions: Uint8Array[];
}

/** An AlgorithmIdentifier, encoded, and the signatures that go with it or do not. */
export interface Forger {
  algorithm: Uint8Array;
  sign: (data: Uint8Array) => Uint8Array;
  /** What stands beside the signature, {@link algorithm} when left out */
  outerAlgorithm?: Uint8Array;
}

const SEQUENCE = 0x30;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const BIT_STRING = 0x03;

/** @param forger the issuer's key pair, or a way of signing */
export function forge(
  original: IssuedCertificate,
  forger: KeyPair | Forger,
  edit: (parts: Parts) => void = () => {},
): IssuedCertificate {
  const { algorithm, sign, outerAlgorithm = algorithm } = "sign" in forger ? forger : forgerOf(forger);
  const parts = { ...takeApart(original.der), signature: algorithm };
  edit(parts);
  const tbs = assemble(parts);
  const signature = encodeTlv(BIT_STRING, Uint8Array.of(0), sign(tbs));
  return replaceDer(original, encodeTlv(SEQUENCE, tbs, outerAlgorithm, signature));
}

/** Signs as fixtures/pki does. */
export function forgerOf({ privateKey }: KeyPair): Forger {
  const { algorithm, sign } = createSigner(privateKey, {});
  return { algorithm: encodeDer(algorithm), sign };
}

export function encodeExtension(oid: Uint8Array, value: Uint8Array, critical?: Uint8Array): Buffer {
  return encodeTlv(SEQUENCE, oid, critical ?? new Uint8Array(), encodeTlv(0x04, value));
}

export function takeApart(der: Uint8Array): Parts {
  const [tbs] = readDerChildren(readDer(der));
  const children = readDerChildren(tbs as DerElement);
  const version = children[0]?.tag === VERSION ? children.shift()?.bytes : undefined;
  const [serialNumber, signature, issuer, validity, subject, publicKey, ...optional] = children.map(
    ({ bytes }) => bytes,
  );
  const [list] = optional.length === 0 ? [] : readDerChildren(readDer(optional[0] as Uint8Array));
  return {
    version,
    ...({ serialNumber, signature, issuer, validity, subject, publicKey } as Omit<Parts, "version">),
    uniqueIds: [],
    extensions: list === undefined ? [] : readDerChildren(list).map(({ bytes }) => bytes),
  };
}

function assemble(parts: Parts): Buffer {
  const { version, serialNumber, signature, issuer, validity, subject, publicKey, uniqueIds, extensions } = parts;
  return encodeTlv(
    SEQUENCE,
    ...(version === undefined ? [] : [version]),
    ...[serialNumber, signature, issuer, validity, subject, publicKey, ...uniqueIds],
    ...(extensions.length === 0 ? [] : [encodeTlv(EXTENSIONS, encodeTlv(SEQUENCE, ...extensions))]),
  );
}
