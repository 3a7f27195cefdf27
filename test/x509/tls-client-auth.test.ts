/** A presented certificate in Cloudflare's shape: each field's format, and what is left out when it is too long. */
import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decodeClientCert, decodeClientCertChain } from "../../src/contract/client-cert-field.ts";
import { DISTINGUISHED_NAME_MAX_CHARACTERS } from "../../src/contract/limits.ts";
import { NO_CLIENT_CERTIFICATE } from "../../src/contract/tls-client-auth.ts";
import { computeFingerprint, encodeColonFingerprint } from "../../src/x509/fingerprint.ts";
import { describeClientCertificate } from "../../src/x509/tls-client-auth.ts";
import { commonName, extension, fakeCertificate, tlv } from "./der-writer.ts";
import { issueCertificate, type KeyPair, x509 } from "./issued-certificate.ts";

const withKeyIdentifier = async ({ publicKey }: KeyPair) => [
  await x509.SubjectKeyIdentifierExtension.create(publicKey),
];
const subject = "C=US, O=Example, CN=example-ca";
const ca = await issueCertificate({ subject, serialNumber: "0a0b", extensions: withKeyIdentifier });
const otherCa = await issueCertificate({ subject, serialNumber: "0c0d", extensions: withKeyIdentifier });
const leaf = await issueCertificate({
  subject: "C=US, ST=Texas, CN=client",
  issuer: ca,
  serialNumber: "00ff01",
  extensions: async (keys) => [
    ...(await withKeyIdentifier(keys)),
    await x509.AuthorityKeyIdentifierExtension.create(ca.keys.publicKey),
  ],
});

const describeLeaf = (chain: Uint8Array[], issuer?: Uint8Array) =>
  describeClientCertificate({ leaf: leaf.der, chain, certVerified: "SUCCESS", ...(issuer && { issuer }) });

describe("describeClientCertificate", () => {
  test("fills in every field in Cloudflare's format", async () => {
    const openssl = new X509Certificate(leaf.der);
    const digits = (text: string) => text.replaceAll(":", "").toLowerCase();
    const result = await describeLeaf([ca.der]);
    expect(result).toMatchObject({ ok: true, certificate: { serialNumber: "FF01" } });
    expect(result.tlsClientAuth).toEqual({
      certPresented: "1",
      certRevoked: "0",
      certVerified: "SUCCESS",
      certIssuerDN: "CN=example-ca, O=Example, C=US",
      certSubjectDN: "CN=client, ST=Texas, C=US",
      certIssuerDNRFC2253: "CN=example-ca,O=Example,C=US",
      certSubjectDNRFC2253: "CN=client,ST=Texas,C=US",
      certIssuerDNLegacy: "/C=US/O=Example/CN=example-ca",
      certSubjectDNLegacy: "/C=US/ST=Texas/CN=client",
      certSerial: "FF01",
      certIssuerSerial: "0A0B",
      certSKI: expect.stringMatching(/^[0-9A-F]{40}$/),
      certIssuerSKI: expect.stringMatching(/^[0-9A-F]{40}$/),
      certFingerprintSHA1: digits(openssl.fingerprint),
      certFingerprintSHA256: digits(openssl.fingerprint256),
      certNotBefore: "Mar  1 00:00:00 2022 GMT",
      certNotAfter: "Mar 21 13:35:00 2032 GMT",
      certRFC9440: `:${Buffer.from(leaf.der).toString("base64")}:`,
      certRFC9440TooLarge: false,
      certChainRFC9440: `:${Buffer.from(ca.der).toString("base64")}:`,
      certChainRFC9440TooLarge: false,
    });
  });

  test("takes the leaf's digests from who has them at hand, and says the same", async () => {
    const digest = (algorithm: string) => createHash(algorithm).update(leaf.der).digest();
    const given = { leaf: leaf.der, chain: [], certVerified: "SUCCESS" } as const;
    const fingerprints = { sha1: digest("sha1"), sha256: digest("sha256") };
    expect(await describeClientCertificate({ ...given, fingerprints })).toEqual(await describeClientCertificate(given));
    const other = { sha1: new Uint8Array([1]), sha256: new Uint8Array([2]) };
    const { tlsClientAuth } = await describeClientCertificate({ ...given, fingerprints: other });
    expect([tlsClientAuth.certFingerprintSHA1, tlsClientAuth.certFingerprintSHA256]).toEqual(["01", "02"]);
  });

  test("sends leaf and chain so that they can be read again, the chain as it was sent", async () => {
    const { tlsClientAuth } = await describeLeaf([otherCa.der, Uint8Array.of(1), ca.der]);
    expect(decodeClientCert(tlsClientAuth.certRFC9440)).toEqual(leaf.der);
    expect(decodeClientCertChain(tlsClientAuth.certChainRFC9440)).toEqual([otherCa.der, Uint8Array.of(1), ca.der]);
  });

  test("finds the issuer in a chain in any order, past rubbish and past another with the same name", async () => {
    const { tlsClientAuth } = await describeLeaf([Uint8Array.of(0x30, 0x82), leaf.der, otherCa.der, ca.der]);
    expect(tlsClientAuth.certIssuerSerial).toBe("0A0B");
  });

  test("prefers the issuer that verification found, and leaves its fields empty when there is none", async () => {
    expect((await describeLeaf([otherCa.der], ca.der)).tlsClientAuth.certIssuerSerial).toBe("0A0B");
    expect((await describeLeaf([])).tlsClientAuth).toMatchObject({
      certIssuerSerial: "",
      certIssuerSKI: "",
      certChainRFC9440: "",
      certChainRFC9440TooLarge: false,
    });
  });

  test("says the same about a certificate that did not verify", async () => {
    const certVerified = "FAILED:certificate has expired";
    const result = await describeClientCertificate({ leaf: leaf.der, chain: [], certVerified });
    expect(result.tlsClientAuth).toEqual({ ...(await describeLeaf([])).tlsClientAuth, certVerified });
  });

  test("never calls a certificate verified that it cannot read", async () => {
    const damaged = leaf.der.subarray(0, -1);
    const result = await describeClientCertificate({ leaf: damaged, chain: [], certVerified: "SUCCESS" });
    expect(result).toMatchObject({ ok: false, reason: expect.any(String) });
    expect(result.tlsClientAuth).toMatchObject({
      ...NO_CLIENT_CERTIFICATE,
      certPresented: "1",
      certVerified: "FAILED:client certificate is unreadable",
      certFingerprintSHA1: expect.stringMatching(/^[0-9a-f]{40}$/),
      certFingerprintSHA256: expect.stringMatching(/^[0-9a-f]{64}$/),
      certRFC9440: expect.stringMatching(/^:.*:$/),
    });
    const failed = await describeClientCertificate({ leaf: damaged, chain: [], certVerified: "FAILED:x" });
    expect(failed.tlsClientAuth.certVerified).toBe("FAILED:x");
  });
});

describe("what is too long to be forwarded", () => {
  const filledTo = (bytes: number) => {
    const padded = (length: number) => fakeCertificate({ extensions: [extension("1.2.3.4", new Uint8Array(length))] });
    return padded(1000 + bytes - padded(1000).length);
  };

  test.each([
    [7677, false],
    [7678, true],
    [64 * 1024 - 8, true],
  ])("a leaf of %i bytes: %s", async (bytes, isTooLarge) => {
    const large = filledTo(bytes);
    expect(large.length).toBe(bytes);
    const { ok, tlsClientAuth } = await describeClientCertificate({ leaf: large, chain: [], certVerified: "SUCCESS" });
    expect(ok).toBe(true);
    expect(tlsClientAuth.certVerified).toBe("SUCCESS");
    expect(tlsClientAuth.certRFC9440TooLarge).toBe(isTooLarge);
    expect(tlsClientAuth.certRFC9440 === "").toBe(isTooLarge);
    expect(tlsClientAuth.certFingerprintSHA256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a chain, without touching the leaf", async () => {
    const { tlsClientAuth } = await describeLeaf([ca.der, new Uint8Array(13_000)]);
    expect(tlsClientAuth.certChainRFC9440).toBe("");
    expect(tlsClientAuth.certChainRFC9440TooLarge).toBe(true);
    expect(tlsClientAuth.certRFC9440TooLarge).toBe(false);
  });

  test("a name in all its notations, when a single one is over the limit", async () => {
    const fits = fakeCertificate({ subject: commonName("a".repeat(DISTINGUISHED_NAME_MAX_CHARACTERS - 4)) });
    // RFC 2253 prints a slash as it is, the legacy form as two characters
    const tooLong = fakeCertificate({ subject: commonName("/".repeat(DISTINGUISHED_NAME_MAX_CHARACTERS / 2)) });
    const describeName = async (der: Uint8Array) =>
      (await describeClientCertificate({ leaf: der, chain: [], certVerified: "SUCCESS" })).tlsClientAuth;
    expect((await describeName(fits)).certSubjectDN.length).toBe(DISTINGUISHED_NAME_MAX_CHARACTERS - 1);
    expect(await describeName(tooLong)).toMatchObject({
      certSubjectDN: "",
      certSubjectDNRFC2253: "",
      certSubjectDNLegacy: "",
      certIssuerDN: "CN=issuer",
    });
  });

  test("a serial number and a key identifier that no standard allows", async () => {
    const long = new Uint8Array(2000).fill(1);
    const der = fakeCertificate({ serialNumber: long, extensions: [extension("2.5.29.14", tlv(4, long))] });
    const { tlsClientAuth } = await describeClientCertificate({ leaf: der, chain: [], certVerified: "FAILED" });
    expect(tlsClientAuth).toMatchObject({ certSerial: "", certSKI: "" });
  });
});

test("a fingerprint for people has colons and capitals, as OpenSSL prints it", async () => {
  const openssl = new X509Certificate(leaf.der);
  expect(encodeColonFingerprint(await computeFingerprint(leaf.der, "SHA-256"))).toBe(openssl.fingerprint256);
  expect(encodeColonFingerprint(await computeFingerprint(leaf.der, "SHA-1"))).toBe(openssl.fingerprint);
});
