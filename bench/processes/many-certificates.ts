/**
 * Thousands of CA certificates in a second or two: one is made properly, the others are copies of it with another
 * number in their names, signed anew. They share few key pairs, which costs whoever verifies with them as much as many.
 */
import { sign } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import { createCertificate } from "../../fixtures/pki/certificate.ts";
import { encodeDer, encodeTlv } from "../../fixtures/pki/der.ts";
import { generateKeys } from "../../fixtures/pki/keys.ts";
import { encodePem } from "../../fixtures/pki/pem.ts";

const KEY_PAIRS = 8;
const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const NO_UNUSED_BITS = Uint8Array.of(0);
/** Overwritten with as many digits */
const PLACEHOLDER = "000000";

/** Self-signed roots with P-256 keys and a subject each of their own, as PEM. */
export async function createManyCaCertificates(count: number): Promise<string[]> {
  const makers = await Promise.all(Array.from({ length: KEY_PAIRS }, createMaker));
  return Array.from({ length: count }, (_, index) => makers[index % KEY_PAIRS]?.(index) ?? "");
}

async function createMaker(): Promise<(number: number) => string> {
  const keys = await generateKeys("ec-p256");
  const { der } = await createCertificate({
    subject: `CN=bench-ca-${PLACEHOLDER},O=Example,C=US`,
    key: keys,
    basicConstraints: { ca: true },
    keyUsage: ["keyCertSign", "cRLSign"],
  });
  const { tbsCertificate, signatureAlgorithm } = AsnConvert.parse(der, Certificate);
  const contents = encodeDer(tbsCertificate);
  const algorithm = encodeDer(signatureAlgorithm);
  const places = findAll(contents, PLACEHOLDER);
  return function makeCertificate(number) {
    const renamed = Buffer.from(contents);
    for (const place of places) renamed.write(String(number).padStart(PLACEHOLDER.length, "0"), place, "latin1");
    const signature = encodeTlv(BIT_STRING, NO_UNUSED_BITS, sign("sha256", renamed, keys.privateKey));
    return encodePem(encodeTlv(SEQUENCE, renamed, algorithm, signature));
  };
}

/** Subject and issuer. */
function findAll(bytes: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + text.length)) places.push(at);
  return places;
}
