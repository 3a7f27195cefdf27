/** Certificates that are really encoded and signed, made in the Workers runtime: policies read names and SANs out of DER. */
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { parseDistinguishedName } from "../../src/x509/distinguished-name.ts";
import { encodeHex } from "../../src/x509/hex.ts";

/** `uri:spiffe://example.com/billing`: kind, colon, value, as in the policy's `sans` */
export type SubjectAlternativeName = `${"dns" | "uri" | "email" | "ip"}:${string}`;

export interface LeafOptions {
  /** RFC 4514 */
  subject: string;
  /** Of the CA that signs it, RFC 4514 */
  issuer: string;
  sans: readonly SubjectAlternativeName[];
  notBefore: Date;
  notAfter: Date;
}

/** DER of a leaf for client authentication, and of the root that signed it. */
export interface IssuedLeaf {
  leaf: Uint8Array;
  issuer: Uint8Array;
}

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE_ALGORITHM = { name: "ECDSA", hash: "SHA-256" };
const SERIAL_NUMBER_BYTES = 16;

/** @throws TypeError for a name that is not RFC 4514, or a SAN of an unknown kind */
export async function issueLeaf({ subject, issuer, sans, notBefore, notAfter }: LeafOptions): Promise<IssuedLeaf> {
  const [rootKeys, leafKeys] = await Promise.all([generateKeys(), generateKeys()]);
  const rootName = encodeName(issuer);
  const validity = { notBefore, notAfter, signingAlgorithm: SIGNATURE_ALGORITHM, signingKey: rootKeys.privateKey };
  const rootIdentifier = await SubjectKeyIdentifierExtension.create(rootKeys.publicKey);
  const root = await X509CertificateGenerator.create({
    ...validity,
    serialNumber: createSerialNumber(),
    subject: rootName,
    issuer: rootName,
    publicKey: rootKeys.publicKey,
    extensions: [new BasicConstraintsExtension(true, undefined, true), rootIdentifier],
  });
  const leaf = await X509CertificateGenerator.create({
    ...validity,
    serialNumber: createSerialNumber(),
    subject: encodeName(subject),
    issuer: rootName,
    publicKey: leafKeys.publicKey,
    extensions: [
      ...(await createLeafExtensions(leafKeys.publicKey, rootKeys.publicKey)),
      ...(sans.length === 0 ? [] : [new SubjectAlternativeNameExtension(sans.map(encodeGeneralName))]),
    ],
  });
  return { leaf: new Uint8Array(leaf.rawData), issuer: new Uint8Array(root.rawData) };
}

async function generateKeys(): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"])) as CryptoKeyPair;
}

/** RFC 5280, section 4.1.2.2: positive, so the first bit is not set. */
function createSerialNumber(): string {
  return `01${encodeHex(crypto.getRandomValues(new Uint8Array(SERIAL_NUMBER_BYTES - 1)))}`;
}

async function createLeafExtensions(own: CryptoKey, issuers: CryptoKey): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    await SubjectKeyIdentifierExtension.create(own),
    await AuthorityKeyIdentifierExtension.create(issuers),
  ];
}

/** In the order of the encoding, which is the reverse of the notation's. */
function encodeName(text: string): Name {
  const parsed = parseDistinguishedName(text);
  if (!parsed.ok) throw new TypeError(`"${text}" is not a distinguished name: ${parsed.reason}`);
  return new Name(
    parsed.name.rdns.map((attributes) =>
      Object.fromEntries(
        attributes.map(({ type, value }) => {
          if (value.text === undefined) throw new TypeError(`"${text}" has a value that is not text`);
          return [type, [value.text]];
        }),
      ),
    ),
  );
}

const GENERAL_NAME_TYPES: Readonly<Record<string, JsonGeneralName["type"]>> = {
  dns: "dns",
  uri: "url",
  email: "email",
  ip: "ip",
};

function encodeGeneralName(text: SubjectAlternativeName): JsonGeneralName {
  const colon = text.indexOf(":");
  const type = GENERAL_NAME_TYPES[text.slice(0, Math.max(colon, 0))];
  if (type === undefined) {
    throw new TypeError(`"${text}" is not a subject alternative name, allowed: dns:, uri:, email: and ip:`);
  }
  return { type, value: text.slice(colon + 1) };
}
