/** Reading names from certificates and from text (RFC 4514, RFC 2253), and comparing them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DistinguishedName,
  decodeDistinguishedName,
  encodeCommaSpace,
  encodeLegacy,
  encodeRfc2253,
  isSameDistinguishedName,
  parseDistinguishedName,
} from "../../src/x509/distinguished-name.ts";
import { attribute, COMMON_NAME, COUNTRY, commonName, derName, derString, ORGANIZATION, tlv } from "./der-writer.ts";

function parse(text: string): DistinguishedName {
  const result = parseDistinguishedName(text);
  if (!result.ok) throw new Error(`${text}: ${result.reason}`);
  return result.name;
}

function decode(der: Uint8Array): DistinguishedName {
  const result = decodeDistinguishedName(der);
  if (!result.ok) throw new Error(result.reason);
  return result.name;
}

const isSame = (a: string, b: string) => isSameDistinguishedName(parse(a), parse(b));
const textOf = (text: string) => parse(text).rdns.map((rdn) => rdn.map(({ value }) => value.text));

const example = derName(
  [attribute(COUNTRY, derString(19, "US"))],
  [attribute(ORGANIZATION, derString(12, "Example"))],
  [attribute(COMMON_NAME, derString(12, "example-ca"))],
);

describe("a name from a certificate", () => {
  test("is printed in RFC 2253 order, with comma and space, and in the legacy form", () => {
    const name = decode(example);
    expect(encodeRfc2253(name)).toBe("CN=example-ca,O=Example,C=US");
    expect(encodeCommaSpace(name)).toBe("CN=example-ca, O=Example, C=US");
    expect(encodeLegacy(name)).toBe("/C=US/O=Example/CN=example-ca");
  });

  test("is the same as its text in either notation", () => {
    expect(isSameDistinguishedName(decode(example), parse("CN=example-ca, O=Example, C=US"))).toBe(true);
    expect(isSameDistinguishedName(decode(example), parse("cn = EXAMPLE-ca,o=example,2.5.4.6=us"))).toBe(true);
  });

  test("keeps a NUL, a byte-order mark and a direction mark", () => {
    for (const text of ["good\0.evil", "\uFEFFa", "\u202Eabc"]) {
      expect(decode(commonName(text)).rdns[0]?.[0]?.value.text).toBe(text);
      expect(isSameDistinguishedName(decode(commonName(text)), decode(commonName(text)))).toBe(true);
    }
    expect(isSameDistinguishedName(decode(commonName("good\0.evil")), parse("CN=good"))).toBe(false);
    expect(isSameDistinguishedName(decode(commonName("\uFEFFa")), parse("CN=a"))).toBe(false);
  });

  test.each([
    ["UTF8String", 12],
    ["PrintableString", 19],
    ["TeletexString", 20],
    ["IA5String", 22],
    ["UniversalString", 28],
    ["BMPString", 30],
  ])("compares by its text when it is a %s", (_, tag) => {
    expect(isSameDistinguishedName(decode(commonName("example", tag)), parse("CN=example"))).toBe(true);
  });

  test.each([
    ["UTF-8 that is none", tlv(12, [0xff])],
    ["an overlong NUL", tlv(12, [0xc0, 0x80])],
    ["an encoded surrogate", tlv(12, [0xed, 0xa0, 0x80])],
    ["half a BMP character", tlv(30, [0, 0x41, 0])],
    ["a surrogate pair in a BMPString", tlv(30, [0xd8, 0x3d, 0xde, 0])],
    ["a universal character that does not exist", tlv(28, [0, 0x11, 0, 0])],
    ["a string in pieces", tlv(0x2c, tlv(12, [0x41]))],
    ["a length that is not the shortest", [12, 0x81, 1, 0x41]],
    ["an indefinite length", [0x2c, 0x80, 12, 1, 0x41, 0, 0]],
  ])("is refused with %s", (_, value) => {
    expect(decodeDistinguishedName(derName([attribute(COMMON_NAME, Uint8Array.from(value))]))).toMatchObject({
      ok: false,
    });
  });

  test.each([
    ["an empty RDN", tlv(0x30, tlv(0x31))],
    [
      "a third part in an attribute",
      tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, [0x55, 4, 3]), tlv(12, [65]), tlv(12, [66])))),
    ],
    ["bytes behind it", Uint8Array.from([...example, 0])],
    ["its end missing", example.subarray(0, -1)],
    [
      "an OID arc of a thousand bytes",
      derName([tlv(0x30, tlv(6, new Uint8Array(1000).fill(0xff), [1]), tlv(12, [65]))]),
    ],
    ["no bytes at all", new Uint8Array()],
  ])("is refused with %s", (_, der) => {
    expect(decodeDistinguishedName(der)).toMatchObject({ ok: false });
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (der) => typeof decodeDistinguishedName(der).ok === "boolean"),
    );
    fc.assert(
      fc.property(fc.nat(example.length - 1), fc.nat(255), (index, byte) => {
        const damaged = example.with(index, byte);
        return typeof decodeDistinguishedName(damaged).ok === "boolean";
      }),
    );
  });

  test("does not change when the bytes it was read from change, and is frozen", () => {
    const bytes = new Uint8Array(example);
    const name = decode(bytes);
    bytes.fill(0);
    expect(encodeRfc2253(name)).toBe("CN=example-ca,O=Example,C=US");
    expect(Object.isFrozen(name) && Object.isFrozen(name.rdns) && Object.isFrozen(name.rdns[0]?.[0])).toBe(true);
  });
});

describe("a name from text", () => {
  test.each([
    ["RFC 4514 escapes", String.raw`CN=\,\+\"\\\<\>\;\20\C3\A9\=\ `, ',+"\\<>; é= '],
    ["RFC 2253 quotes", String.raw`CN="a, b + \"c\" \\ ;<>=#"`, 'a, b + "c" \\ ;<>=#'],
    ["an equals sign", "CN=a=b", "a=b"],
    ["spaces around the parts", "  CN  =  a b  ", "a b"],
    ["an escaped space at either end", String.raw`CN=\ a\ `, " a "],
    ["an escaped number sign", String.raw`CN=\#a`, "#a"],
    ["a number sign alone, as OpenSSL prints it", "CN=#", "#"],
    ["nothing", "CN=", ""],
    ["UTF-8 as it is", "CN=Ünïcödé 😀", "Ünïcödé 😀"],
    ["an encoded UTF8String", "CN=#0C0161", "a"],
    ["an encoded PrintableString in small digits", "CN=#13026162", "ab"],
    ["an encoded BMPString", "CN=#1E0200E9", "é"],
    ["a NUL", String.raw`CN=a\00b`, "a\0b"],
  ])("can hold %s", (_, text, value) => {
    expect(textOf(text)).toEqual([[value]]);
  });

  test.each([
    ["CN", "2.5.4.3"],
    ["oid.2.5.4.3", "2.5.4.3"],
    ["2.5.4.3", "2.5.4.3"],
    ["commonName", "2.5.4.3"],
    ["EMAILADDRESS", "1.2.840.113549.1.9.1"],
    ["E", "1.2.840.113549.1.9.1"],
    ["uid", "0.9.2342.19200300.100.1.1"],
    ["userId", "0.9.2342.19200300.100.1.1"],
    ["sn", "2.5.4.4"],
    ["serialNumber", "2.5.4.5"],
    ["S", "2.5.4.8"],
    ["STREET", "2.5.4.9"],
    ["jurisdictionc", "1.3.6.1.4.1.311.60.2.1.3"],
  ])("knows the type %s", (type, oid) => {
    expect(parse(`${type}=x`).rdns[0]?.[0]?.type).toBe(oid);
  });

  test("is the reverse of the encoding's order, and may use semicolons and plus signs", () => {
    expect(textOf("CN=a+OU=b;O=c , C=d")).toEqual([["d"], ["c"], ["b", "a"]]);
  });

  test.each([
    ["", 0],
    ["   ", 3],
    ["CN", 2],
    ["CN=a,", 5],
    ["CN=a,,O=b", 5],
    ["CN=a+", 5],
    ["=a", 0],
    ["XX=a", 0],
    ["1=a", 0],
    ["1.40=a", 0],
    ["1.02=a", 0],
    ["oid.CN=a", 0],
    ['CN=a"b', 4],
    ["CN=a<b", 4],
    ['CN="a', 5],
    ['CN="a"b', 6],
    ["CN=a\\", 5],
    ["CN=a\\x", 5],
    ["CN=\\C3", 3],
    ["CN=\\C3a\\A9", 3],
    ["CN=#0C01", 3],
    ["CN=#0C0161 61", 11],
    ["CN=#0C016", 3],
    ["CN=#0C01FF", 3],
    ["CN=#0C016161", 3],
    ["CN=#x", 4],
    ["CN=a\0b", 4],
    ["CN=\uD800", 0],
    ["/C=US/O=Example", 0],
    [`CN=${"a".repeat(70_000)}`, 0],
  ])("that reads %j is refused at %i", (text, position) => {
    expect(parseDistinguishedName(text)).toEqual({ ok: false, reason: expect.any(String), position });
  });

  test("says what is wrong, what was found and what is allowed", () => {
    expect(parseDistinguishedName("CN=a,XX=b")).toEqual({
      ok: false,
      reason: '"XX" is not an attribute type, allowed are names such as CN and dotted OIDs',
      position: 5,
    });
  });

  test("never makes the parser throw", () => {
    const pieces = fc.constantFrom(
      "CN",
      "=",
      ",",
      "+",
      ";",
      '"',
      "\\",
      "#",
      " ",
      "0C0161",
      "\\C3",
      "\\A9",
      "a",
      "\0",
      "\uD800",
      "1.2.3",
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => typeof parseDistinguishedName(text).ok === "boolean"),
    );
    fc.assert(
      fc.property(fc.array(pieces), (parts) => typeof parseDistinguishedName(parts.join("")).ok === "boolean"),
      { numRuns: 1000 },
    );
  });

  test("of 60,000 escapes is read", () => {
    expect(textOf(`CN=${"\\20".repeat(20_000)}`)).toEqual([[" ".repeat(20_000)]]);
  });

  test("that was printed from any text is the same name again, in both notations", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 }).filter((value) => value.isWellFormed());
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }), (rdns) => {
        const der = rdns.map((values) => values.map((value) => attribute(COMMON_NAME, derString(12, value))));
        const name = decode(derName(...der));
        return [encodeRfc2253(name), encodeCommaSpace(name)].every((printed) =>
          isSameDistinguishedName(parse(printed), name),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("two names are the same", () => {
  test.each([
    ["case", "CN=Example CA,C=US", "cn=EXAMPLE ca,c=us"],
    ["runs of spaces", "CN=a   b", "CN=a b"],
    ["outer spaces", String.raw`CN=\  a \20`, "CN=a"],
    ["the notation of a type", "emailAddress=a@b", "1.2.840.113549.1.9.1=a@b"],
    ["the order in a multi-valued RDN", "CN=a+OU=b,O=c", "OU=b+CN=a,O=c"],
    ["the case of a letter beyond ASCII", "CN=École Ж", "CN=éCOLE ж"],
    ["the notation of a value of unknown type", "1.2.3=#04020102", "oid.1.2.3=#04020102"],
  ])("whatever %s", (_, a, b) => {
    expect(isSame(a, b)).toBe(true);
    expect(isSame(b, a)).toBe(true);
  });

  test("when both are empty, and an empty name is no other", () => {
    const empty = decode(tlv(0x30));
    expect(isSameDistinguishedName(empty, decode(tlv(0x30)))).toBe(true);
    expect(isSameDistinguishedName(empty, parse("CN="))).toBe(false);
  });
});

describe("two names are not the same", () => {
  test.each([
    ["the order of RDNs", "CN=a,O=b", "O=b,CN=a"],
    ["the order of equal types", "OU=a,OU=b", "OU=b,OU=a"],
    ["an RDN more", "CN=a,O=b", "CN=a,O=b,C=c"],
    ["a repeated common name", "CN=a,CN=a", "CN=a"],
    ["a multi-valued RDN that is two RDNs", "CN=a+O=b", "CN=a,O=b"],
    ["a value twice in an RDN", "CN=a+CN=a+CN=b", "CN=a+CN=b+CN=b"],
    ["another type", "CN=a", "OU=a"],
    ["a separator inside a value", String.raw`CN=a\,O=b`, "CN=a,O=b"],
    ["a NUL", String.raw`CN=a\00`, "CN=a"],
    ["a tab for a space", "CN=a\tb", "CN=a b"],
    ["a no-break space", "CN=a\u00a0b", "CN=a b"],
    ["a no-break space at the end", "CN=a\u00a0", "CN=a"],
    ["a zero-width space", "CN=a\u200bb", "CN=ab"],
    ["a right-to-left override", "CN=\u202eab", "CN=ab"],
    ["the Kelvin sign", "CN=\u212a", "CN=k"],
    ["a long s", "CN=\u017f", "CN=s"],
    ["a dotted capital I", "CN=\u0130", "CN=i"],
    ["a dotless i", "CN=\u0131", "CN=I"],
    ["a Cyrillic letter", "CN=\u0430", "CN=a"],
    ["a full-width letter", "CN=\uff21", "CN=A"],
    ["a ligature", "CN=\ufb01", "CN=fi"],
    ["a sharp s", "CN=\u00df", "CN=ss"],
    ["an accent of its own", "CN=e\u0301", "CN=\u00e9"],
    ["an encoded value that is not text", "CN=#040161", "CN=a"],
  ])("with %s", (_, a, b) => {
    expect(isSame(a, b)).toBe(false);
    expect(isSame(b, a)).toBe(false);
  });
});
