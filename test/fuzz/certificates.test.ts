/** Certificates and PEM: whatever was altered, our reader refuses it or reads what OpenSSL reads, and never throws. */
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type Certificate, readCertificate, readSubject } from "../../src/x509/certificate.ts";
import { readDer, readDerChildren } from "../../src/x509/der.ts";
import { encodePem, PEM_MAX_CHARACTERS, parsePem } from "../../src/x509/pem.ts";
import { describeClientCertificate } from "../../src/x509/tls-client-auth.ts";
import { byteMutation, mutateBytes, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

let ders: Buffer[];
let pems: string[];

beforeAll(async () => {
  const root = await createCertificateAuthority({ subject: "CN=root,O=Example\\, Inc.,C=US", key: "rsa-2048" });
  const between = await root.issueIntermediate({
    subject: "CN=between",
    basicConstraints: { ca: true, pathLength: 0 },
    nameConstraints: { permitted: ["dns:example.com", "ip:10.0.0.0/8"] },
  });
  const leaf = await between.issue({
    subject: "CN=client+OU=a,O=Exämple,emailAddress=me@example.com",
    extendedKeyUsage: ["clientAuth", "serverAuth"],
    subjectAlternativeNames: ["dns:a.example.com", "uri:spiffe://example.com/x", "email:me@example.com", "ip:10.0.0.1"],
    serialNumber: 2n ** 100n,
  });
  const old = await between.issue({ subject: "CN=old", version: 1, key: "ed25519", serialNumber: Uint8Array.of(0xff) });
  ders = [root.der, between.der, leaf.der, old.der];
  pems = [root.certificatePem, leaf.chainPem, `${leaf.keyPem}${old.certificatePem}`];
});

const pick = fc.nat();
const mutations = fc.array(byteMutation, { minLength: 1, maxLength: 3 });
const mutant = (originals: Buffer[], index: number, changes: Parameters<typeof mutateBytes>[1]) =>
  mutateBytes(originals[index % originals.length] as Buffer, changes);

function readWithOpenssl(input: Uint8Array | string): X509Certificate | undefined {
  try {
    return new X509Certificate(input);
  } catch {
    return undefined;
  }
}

describe("a certificate whose bytes were altered", () => {
  it("is refused with a reason, or read as OpenSSL reads it", () => {
    fc.assert(
      fc.property(pick, mutations, (index, changes) => {
        const bytes = mutant(ders, index, changes);
        const result = readCertificate(bytes);
        const x509 = readWithOpenssl(bytes);
        if (!result.ok) expect(result.reason).toMatch(/\S/);
        else if (x509 !== undefined) expectSame(result.certificate, x509);
      }),
      runs(2_000),
    );
  });

  it("is described without an exception, and as unverified when it cannot be read", async () => {
    await fc.assert(
      fc.asyncProperty(pick, mutations, async (index, changes) => {
        const leaf = mutant(ders, index, changes);
        const described = await describeClientCertificate({ leaf, chain: [leaf, ...ders], certVerified: "SUCCESS" });
        const { certPresented, certVerified } = described.tlsClientAuth;
        expect(certPresented).toBe("1");
        expect(certVerified === "SUCCESS").toBe(described.ok);
      }),
      runs(500),
    );
  });
});

function expectSame(ours: Certificate, x509: X509Certificate): void {
  expect(signedPart(ours.der).equals(signedPart(x509.raw))).toBe(true);
  // Zero is "0" to Node, and "00" to `openssl x509 -serial`, which is what ours is made like.
  expect(ours.serialNumber).toBe(x509.serialNumber === "0" ? "00" : x509.serialNumber);
  expect([ours.notBefore, ours.notAfter]).toEqual([x509.validFromDate, x509.validToDate]);
  expect(ours.extendedKeyUsage ?? []).toEqual(x509.keyUsage ?? []);
  // OpenSSL looks at the key usage as well.
  if (ours.version === 3 && x509.ca) expect(ours.isCa).toBe(true);
  expect(readSubject(ours.der)).toEqual(ours.subject);
  expectSameKey(ours, x509);
}

/** tbsCertificate: what stands around it OpenSSL writes anew, and BER in it becomes DER. */
function signedPart(der: Uint8Array): Buffer {
  return Buffer.from(readDerChildren(readDer(der))[0]?.bytes ?? []);
}

function expectSameKey({ publicKey }: Certificate, x509: X509Certificate): void {
  let details: { modulusLength?: number | undefined } = {};
  try {
    details = x509.publicKey.asymmetricKeyDetails ?? {};
  } catch {
    // Bytes that OpenSSL takes for no key of that kind
  }
  if (details.modulusLength !== undefined) expect(publicKey.bits).toBe(details.modulusLength);
}

describe("PEM that was altered", () => {
  it("gives no certificate but the one that OpenSSL finds, when both find one", () => {
    fc.assert(
      fc.property(pick, mutations, (index, changes) => {
        const text = mutateText(pems[index % pems.length] as string, changes);
        const result = parsePem(text);
        const found = readWithOpenssl(text);
        const first = result.ok ? result.blocks.find(({ label }) => /^(?:X509 )?CERTIFICATE$/.test(label)) : undefined;
        if (first === undefined || found === undefined) return;
        expect(readWithOpenssl(first.der)?.fingerprint256).toBe(found.fingerprint256);
      }),
      runs(2_000),
    );
  });

  it("is refused, or its blocks written again are read as the same", () => {
    fc.assert(
      fc.property(pick, mutations, (index, changes) => {
        const result = parsePem(mutateText(pems[index % pems.length] as string, changes));
        if (!result.ok) return;
        const again = parsePem(result.blocks.map(({ label, der }) => encodePem(label, der)).join(""));
        expect(again).toMatchObject({ ok: true, blocks: result.blocks.map(({ label, der }) => ({ label, der })) });
      }),
      runs(2_000),
    );
  });

  it("takes time in proportion to its length", () => {
    const piece = fc.constantFrom(
      "-----BEGIN A-----\n",
      "-----END A-----\n",
      "A: b\n",
      "\n",
      "AAAA",
      " ",
      "\r",
      "-----BEGIN ",
      "=",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 3 }), piece, fc.array(piece, { maxLength: 3 }), (head, middle, tail) => {
        const text = [...head, middle.repeat(PEM_MAX_CHARACTERS / middle.length), ...tail].join("");
        parsePem(text.slice(0, PEM_MAX_CHARACTERS));
      }),
      runs(20),
    );
  });
});
