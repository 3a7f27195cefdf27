/** Reading certificates (RFC 5280): against Node's OpenSSL, and with mistakes that no honest issuer makes. */
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Certificate, readCertificate, readSubject } from "../../src/x509/certificate.ts";
import { encodeRfc2253 } from "../../src/x509/distinguished-name.ts";
import { formatOpensslTime } from "../../src/x509/time.ts";
import {
  type CertificateParts,
  commonName,
  derName,
  extension,
  fakeCertificate,
  generalizedTime,
  oid,
  tlv,
  utcTime,
} from "./der-writer.ts";
import { issueCertificate, x509 } from "./issued-certificate.ts";

function read(der: Uint8Array): Certificate {
  const result = readCertificate(der);
  if (!result.ok) throw new Error(result.reason);
  return result.certificate;
}

const BASIC_CONSTRAINTS = "2.5.29.19";
const SUBJECT_ALT_NAME = "2.5.29.17";
const KEY_USAGE = "2.5.29.15";
const RSA = { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" };

const ca = await issueCertificate({
  subject: "C=US, O=Example, CN=example-ca",
  serialNumber: "00936eacbe07f201df",
  extensions: async ({ publicKey }) => [
    new x509.BasicConstraintsExtension(true, 2, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ],
});
const leaf = await issueCertificate({
  subject: "CN=client",
  issuer: ca,
  extensions: async ({ publicKey }) => [
    new x509.BasicConstraintsExtension(false),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(ca.keys.publicKey),
    new x509.SubjectAlternativeNameExtension([
      { type: "dns", value: "a.example.com" },
      { type: "url", value: "spiffe://example/client" },
      { type: "email", value: "a@example.com" },
      { type: "ip", value: "10.0.0.1" },
      { type: "ip", value: "2001:db8::1" },
      { type: "id", value: "1.2.3" },
    ]),
  ],
});

describe("readCertificate reads", () => {
  test.each([
    ["a CA", ca.der],
    ["a leaf", leaf.der],
  ])("%s as Node's OpenSSL does", (_, der) => {
    const certificate = read(der);
    const openssl = new X509Certificate(der);
    expect(certificate.serialNumber).toBe(openssl.serialNumber);
    expect(formatOpensslTime(certificate.notBefore)).toBe(openssl.validFrom);
    expect(formatOpensslTime(certificate.notAfter)).toBe(openssl.validTo);
    expect(certificate.isCa).toBe(openssl.ca);
    expect(certificate.extendedKeyUsage).toEqual(openssl.keyUsage);
    expect(certificate.publicKeyDer).toEqual(new Uint8Array(openssl.publicKey.export({ type: "spki", format: "der" })));
    expect(certificate.der).toEqual(der);
  });

  test("the names, the constraints and the usages", () => {
    expect(read(ca.der)).toMatchObject({
      version: 3,
      serialNumber: "936EACBE07F201DF",
      isSelfIssued: true,
      isCa: true,
      pathLength: 2,
      keyUsage: ["keyCertSign", "cRLSign"],
      extendedKeyUsage: undefined,
      publicKey: { description: "EC P-256", algorithm: "EC", bits: 256 },
    });
    const certificate = read(leaf.der);
    expect(encodeRfc2253(certificate.issuer)).toBe("CN=example-ca,O=Example,C=US");
    expect(encodeRfc2253(certificate.subject)).toBe("CN=client");
    expect(certificate).toMatchObject({
      isSelfIssued: false,
      isCa: false,
      pathLength: undefined,
      keyUsage: undefined,
      extendedKeyUsage: ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"],
      authorityKeyIdentifier: read(ca.der).subjectKeyIdentifier,
      subjectAlternativeNames: {
        dns: ["a.example.com"],
        uri: ["spiffe://example/client"],
        email: ["a@example.com"],
        ip: ["10.0.0.1", "2001:db8::1"],
        otherCount: 1,
      },
    });
    expect(certificate.subjectKeyIdentifier).toMatch(/^[0-9A-F]{40}$/);
  });

  test.each([
    ["EC P-384", { name: "ECDSA", namedCurve: "P-384" }],
    ["EC P-521", { name: "ECDSA", namedCurve: "P-521" }],
    ["RSA 2048", RSA],
    ["RSA 1024", { ...RSA, modulusLength: 1024 }],
    ["Ed25519", { name: "Ed25519" as const }],
  ])("the key of %s", async (description, algorithm) => {
    const { der } = await issueCertificate({ subject: "CN=key", algorithm });
    expect(read(der).publicKey.description).toBe(description);
  });

  test("the key of RSA-PSS, and one of an algorithm that it does not know", () => {
    const modulus = tlv(2, [0], new Uint8Array(256).fill(0xff));
    const rsaKey = tlv(3, [0], tlv(0x30, modulus, tlv(2, [1, 0, 1])));
    const pss = tlv(0x30, tlv(0x30, oid("1.2.840.113549.1.1.10")), rsaKey);
    expect(read(fakeCertificate({ publicKey: pss })).publicKey.description).toBe("RSA-PSS 2048");
    const other = tlv(0x30, tlv(0x30, oid("1.2.3.4")), tlv(3, [0, 1]));
    expect(read(fakeCertificate({ publicKey: other })).publicKey).toEqual({
      description: "1.2.3.4",
      algorithm: "other",
      bits: undefined,
    });
  });

  test.each([
    [[0], "00"],
    [[0x7f], "7F"],
    [[0, 0x80], "80"],
    [[0x0a, 0xbc], "0ABC"],
    [[0xff], "-01"],
    [[0xff, 0x00], "-0100"],
  ])("the serial number %j as OpenSSL prints it", (serialNumber, printed) => {
    expect(read(fakeCertificate({ serialNumber })).serialNumber).toBe(printed);
  });

  test.each([
    [utcTime("491231235959Z"), "Dec 31 23:59:59 2049 GMT"],
    [utcTime("500101000000Z"), "Jan  1 00:00:00 1950 GMT"],
    [generalizedTime("20500301000000Z"), "Mar  1 00:00:00 2050 GMT"],
    [generalizedTime("99991231235959Z"), "Dec 31 23:59:59 9999 GMT"],
    [utcTime("240229000000Z"), "Feb 29 00:00:00 2024 GMT"],
  ])("a time", (notAfter, printed) => {
    expect(formatOpensslTime(read(fakeCertificate({ notAfter })).notAfter)).toBe(printed);
  });

  test("a NUL, a comma and a byte beyond ASCII in alternative names as they are", () => {
    const names = ["good.com\0.evil.com", "a.com, DNS:b.com", "\xff"];
    const sans = tlv(0x30, ...names.map((name) => tlv(0x82, Buffer.from(name, "latin1"))), tlv(0x87, [1, 2, 3]));
    const der = fakeCertificate({ extensions: [extension(SUBJECT_ALT_NAME, sans)] });
    expect(read(der).subjectAlternativeNames).toEqual({ dns: names, uri: [], email: [], ip: [], otherCount: 1 });
  });

  test("a version 1 certificate, and an empty subject", () => {
    const certificate = read(fakeCertificate({ version: new Uint8Array(), subject: derName() }));
    expect(certificate.version).toBe(1);
    expect(certificate.subject.rdns).toEqual([]);
    expect(certificate.isCa).toBe(false);
  });

  test("a constraint that says FALSE in words, as some issuers do", () => {
    const extensions = [extension(BASIC_CONSTRAINTS, tlv(0x30, tlv(1, [0])))];
    expect(read(fakeCertificate({ extensions })).isCa).toBe(false);
  });
});

describe("readCertificate refuses", () => {
  const twice = extension(BASIC_CONSTRAINTS, tlv(0x30));
  test.each<[string, CertificateParts]>([
    ["an extension twice", { extensions: [twice, twice] }],
    ["an extension that is cut off", { extensions: [extension(SUBJECT_ALT_NAME, Uint8Array.of(0x30, 5))] }],
    ["bytes behind an extension's value", { extensions: [extension(KEY_USAGE, Uint8Array.of(3, 2, 0, 4, 9))] }],
    ["a CA that is neither true nor false", { extensions: [extension(BASIC_CONSTRAINTS, tlv(0x30, tlv(1, [1])))] }],
    [
      "a negative path length",
      { extensions: [extension(BASIC_CONSTRAINTS, tlv(0x30, tlv(1, [0xff]), tlv(2, [0xff])))] },
    ],
    ["a version 4", { version: tlv(0xa0, tlv(2, [3])) }],
    ["a day that does not exist", { notAfter: utcTime("230229000000Z") }],
    ["a leap second", { notAfter: utcTime("161231235960Z") }],
    ["a time without seconds", { notAfter: utcTime("2303010000Z") }],
    ["a time with an offset", { notAfter: utcTime("230301000000+0100") }],
    ["a time with a fraction", { notAfter: generalizedTime("20500301000000.5Z") }],
    ["a time in the year 99", { notAfter: generalizedTime("00990301000000Z") }],
    ["a text for a time", { notAfter: tlv(12, Buffer.from("230301000000Z")) }],
    ["a serial number of no bytes", { serialNumber: [] }],
    ["a subject with a broken string", { subject: commonName("\xff", 12).with(-1, 0xff) }],
  ])("%s", (_, parts) => {
    expect(readCertificate(fakeCertificate(parts))).toEqual({ ok: false, reason: expect.any(String) });
  });

  test("anything around or missing from the certificate", () => {
    expect(readCertificate(Uint8Array.from([...leaf.der, 0]))).toMatchObject({ ok: false });
    expect(readCertificate(leaf.der.subarray(0, -1))).toMatchObject({ ok: false });
    expect(readCertificate(new Uint8Array())).toMatchObject({ ok: false });
    expect(readSubject(leaf.der.subarray(1))).toBeUndefined();
  });

  test("a signature with bits that do not count, which OpenSSL would leave out of the certificate", () => {
    const signatureBytes = 65;
    expect(readCertificate(fakeCertificate().with(-signatureBytes, 1))).toMatchObject({ ok: false });
  });

  test("deeply nested bytes without deep recursion", () => {
    let nested = tlv(0x30);
    for (let depth = 0; depth < 1500; depth++) nested = tlv(0x30, nested);
    expect(readCertificate(nested)).toMatchObject({ ok: false });
  });

  test("damaged certificates as values, never by throwing", () => {
    const change = fc.tuple(fc.nat(leaf.der.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = new Uint8Array(leaf.der);
        for (const [index, byte] of changes) damaged[index] = byte;
        return typeof readCertificate(damaged).ok === "boolean";
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.nat(leaf.der.length), fc.nat(leaf.der.length), (start, end) => {
        const without = Uint8Array.from([...leaf.der.subarray(0, start), ...leaf.der.subarray(end)]);
        return typeof readCertificate(without).ok === "boolean";
      }),
    );
  });
});

test("what both read of a damaged certificate, OpenSSL and readCertificate read alike", () => {
  fc.assert(
    fc.property(fc.nat(leaf.der.length - 1), fc.nat(255), (index, byte) => {
      const damaged = leaf.der.with(index, byte);
      const result = readCertificate(damaged);
      const openssl = parseWithOpenssl(damaged);
      if (!result.ok || openssl === undefined) return;
      // Zero is "0" to Node, and "00" to `openssl x509 -serial`, which is what ours is made like.
      expect(result.certificate.serialNumber).toBe(openssl.serialNumber === "0" ? "00" : openssl.serialNumber);
      expect(result.certificate.isCa).toBe(openssl.ca);
      expect(formatOpensslTime(result.certificate.notAfter)).toBe(openssl.validTo);
    }),
    { numRuns: 1000 },
  );
});

function parseWithOpenssl(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}
