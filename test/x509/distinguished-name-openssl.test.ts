/** Names are printed as OpenSSL prints them, and what OpenSSL prints is read back as the same name. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findAttributeType, getAttributeShortName } from "../../src/x509/attribute-types.ts";
import {
  type DistinguishedName,
  decodeDistinguishedName,
  encodeLegacy,
  encodeRfc2253,
  isSameDistinguishedName,
  parseDistinguishedName,
} from "../../src/x509/distinguished-name.ts";
import { attribute, derName, derString, fakeCertificate, tlv } from "./der-writer.ts";
import { listObjects, printLegacySubject, printSubjects } from "./openssl.ts";

const NAMES = 400;
/** Each takes an openssl process. */
const LEGACY_NAMES = 40;

const type = fc.constantFrom(
  ...["2.5.4.3", "2.5.4.4", "2.5.4.5", "2.5.4.6", "2.5.4.7", "2.5.4.8", "2.5.4.9", "2.5.4.10", "2.5.4.11", "2.5.4.12"],
  ...["2.5.4.13", "2.5.4.15", "2.5.4.17", "2.5.4.41", "2.5.4.42", "2.5.4.43", "2.5.4.44", "2.5.4.46", "2.5.4.65"],
  ...["2.5.4.97", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.1", "0.9.2342.19200300.100.1.25"],
  ...["1.3.6.1.4.1.311.60.2.1.1", "1.3.6.1.4.1.311.60.2.1.2", "1.3.6.1.4.1.311.60.2.1.3"],
  // not known to OpenSSL
  ...["1.2.3.4", "2.25.329800735698586629295641978511506172918", "1.3.6.1.4.1.55555.1"],
);
const awkward = fc.constantFrom(...' #,+"\\<>;=/\0\t\n\r\x1f\x7fa\u00e9');
const text = fc.oneof(
  fc.string({ unit: awkward, maxLength: 6 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ maxLength: 12 }),
);
const isLatin1 = (value: string) => /^[\0-\xff]*$/.test(value);
const isBmp = (value: string) => !/[\u{10000}-\u{10ffff}]/u.test(value);
const stringValue = fc
  .tuple(fc.constantFrom(12, 18, 19, 20, 22, 28, 30), text)
  .map(([tag, value]) =>
    derString((tag < 23 && tag > 12 && !isLatin1(value)) || (tag === 30 && !isBmp(value)) ? 12 : tag, value),
  );
const opaqueValue = fc
  .uint8Array({ maxLength: 8 })
  .chain((bytes) => fc.constantFrom(tlv(0x03, [0], bytes), tlv(0x30, tlv(0x0c, bytes)), tlv(0x08, bytes)));
const anyAttribute = fc
  .tuple(type, fc.oneof({ weight: 9, arbitrary: stringValue }, { weight: 1, arbitrary: opaqueValue }))
  .map(([oid, value]) => attribute(oid, value));
const anyName = fc
  .array(fc.array(anyAttribute, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 })
  .map((rdns) => derName(...rdns));

const ders = fc.sample(anyName, { numRuns: NAMES, seed: 4514 });
const certificates = ders.map((subject) => fakeCertificate({ subject }));
const names = ders.map(decode);

function decode(der: Uint8Array): DistinguishedName {
  const result = decodeDistinguishedName(der);
  if (!result.ok) throw new Error(result.reason);
  return result.name;
}

describe("against openssl", () => {
  test("encodeRfc2253 prints what -nameopt RFC2253 prints, and that is parsed as the same name", () => {
    const printed = printSubjects(certificates);
    expect(names.map(encodeRfc2253)).toEqual(printed);
    printed.forEach((line, index) => {
      const parsed = parseDistinguishedName(line);
      const name = names[index];
      expect(parsed.ok && name && isSameDistinguishedName(parsed.name, name), line).toBe(true);
    });
  });

  test("encodeLegacy prints what -nameopt compat prints", () => {
    const printed = certificates.slice(0, LEGACY_NAMES).map(printLegacySubject);
    expect(names.slice(0, LEGACY_NAMES).map(encodeLegacy)).toEqual(printed);
  });

  test("every attribute type below 2.5.4 and of RFC 4519, PKCS #9 and the EV guidelines has OpenSSL's short name", () => {
    const objects = listObjects().filter(({ oid }) =>
      /^(2\.5\.4\.|1\.2\.840\.113549\.1\.9\.[1-9]$|0\.9\.2342\.19200300\.100\.1\.|1\.3\.6\.1\.4\.1\.311\.60\.2\.1\.)\d*/.test(
        oid,
      ),
    );
    expect(objects.length).toBeGreaterThan(100);
    const known = objects.filter(({ oid }) => oid !== "0.9.2342.19200300.100.1.44");
    for (const { oid, shortName, longName } of known) {
      expect.soft(getAttributeShortName(oid), oid).toBe(shortName);
      expect.soft(findAttributeType(shortName.toUpperCase()), oid).toBe(oid);
      expect.soft(findAttributeType(longName.toLowerCase()), oid).toBe(oid);
    }
  });

  test("a unique identifier, which OpenSSL prints as uid, is printed so that it cannot be taken for a user id", () => {
    const name = decode(derName([attribute("0.9.2342.19200300.100.1.44", derString(12, "a"))]));
    expect(encodeRfc2253(name)).toBe("0.9.2342.19200300.100.1.44=#0C0161");
    expect(findAttributeType("uid")).toBe("0.9.2342.19200300.100.1.1");
  });
});
