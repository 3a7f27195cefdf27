/**
 * One leaf and one intermediate whose every byte is the same in each run (Ed25519 with keys that are given away, fixed
 * numbers and times), with bytes altered after they were signed. What fast-check does to them depends on its seed alone.
 */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import fc from "fast-check";
import { createCertificateAuthority, type IssuedCertificate } from "../../../fixtures/pki/certificate-authority.ts";
import { replaceDer } from "../../../fixtures/pki/damage.ts";
import { encodeTlv } from "../../../fixtures/pki/der.ts";
import type { KeyPair } from "../../../fixtures/pki/keys.ts";
import { readDer, readDerChildren } from "../../../src/x509/der.ts";
import { type ByteMutation, byteMutation, describeMutation, mutateBytes } from "../../fuzz/byte-mutation.ts";
import { send, type Table } from "./case.ts";

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const FIXED = { notBefore: new Date("2020-01-01T00:00:00Z"), notAfter: new Date("2048-01-01T00:00:00Z") };

function fixedKeys(byte: number): KeyPair {
  const der = Buffer.concat([PKCS8_ED25519, Buffer.alloc(32, byte)]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

async function createFixed() {
  const root = await createCertificateAuthority({ subject: "CN=root", key: fixedKeys(1), serialNumber: 1n, ...FIXED });
  const between = await root.issueIntermediate({
    subject: "CN=between",
    key: fixedKeys(2),
    serialNumber: 2n,
    ...FIXED,
  });
  const client = await between.issue({
    ...{ subject: "CN=client,O=Example", key: fixedKeys(3), serialNumber: 3n, ...FIXED },
    subjectAlternativeNames: ["dns:client.example.com", "uri:spiffe://example.com/client"],
  });
  return { root, between, client };
}

const PLACES = ["leaf", "intermediate"] as const;
/** After the signature was made, which no longer fits; or before, so that what is odd is signed by the right key */
const MOMENTS = ["after it was signed", "before it was signed"] as const;

interface Mutant {
  place: (typeof PLACES)[number];
  moment: (typeof MOMENTS)[number];
  mutation: ByteMutation;
}

const mutant: fc.Arbitrary<Mutant> = fc.record({
  place: fc.constantFrom(...PLACES),
  moment: fc.constantFrom(...MOMENTS),
  mutation: byteMutation,
});

function mutate(
  original: IssuedCertificate,
  issuer: IssuedCertificate,
  { moment, mutation }: Mutant,
): IssuedCertificate {
  if (moment === "after it was signed") return replaceDer(original, mutateDer(original.der, mutation));
  const [tbs, algorithm] = readDerChildren(readDer(original.der)).map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
  const mutated = mutateDer(tbs, mutation);
  const signature = encodeTlv(0x03, Uint8Array.of(0), sign(null, mutated, issuer.keys.privateKey));
  return replaceDer(original, encodeTlv(0x30, mutated, algorithm, signature));
}

/** @param count how many are drawn; what no TLS client would load, most cuts and insertions, says little beyond that */
export function mutateCertificates(count: number, seed: number): Table {
  return Object.fromEntries(
    fc.sample(mutant, { numRuns: count, seed }).map((each) => [
      `${each.place}, ${each.moment}: ${describeMutation(each.mutation)}`,
      async () => {
        const { root, between, client } = await createFixed();
        const chain =
          each.place === "leaf"
            ? send(mutate(client, between, each), between)
            : send(client, mutate(between, root, each));
        return { ...chain, roots: { root } };
      },
    ]),
  );
}

function mutateDer(der: Uint8Array, mutation: ByteMutation): Buffer {
  return Buffer.from(mutateBytes(der, [mutation]));
}
