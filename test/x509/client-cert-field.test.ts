/** The fields of RFC 9440, section 2: exactly one byte sequence, and a list of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeClientCert,
  decodeClientCertChain,
  encodeClientCert,
  encodeClientCertChain,
} from "../../src/contract/client-cert-field.ts";
import { CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS, CLIENT_CERT_FIELD_MAX_CHARACTERS } from "../../src/contract/limits.ts";

const a = Uint8Array.of(1, 2, 3);
const b = Uint8Array.of(0xff);

describe("section 2.2, Client-Cert", () => {
  test("is base64 between colons", () => {
    expect(encodeClientCert(a)).toBe(":AQID:");
    expect(decodeClientCert(":AQID:")).toEqual(a);
  });

  test("encodes a view as what it shows, not the memory behind it", () => {
    expect(encodeClientCert(Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4))).toBe(":AQID:");
  });

  test("reads what it wrote", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (der) => {
        expect(decodeClientCert(encodeClientCert(der) ?? "")).toEqual(der);
      }),
    );
  });

  test("ends where the limit is reached, to the character", () => {
    const bytes = ((CLIENT_CERT_FIELD_MAX_CHARACTERS - 4) / 4) * 3;
    expect(encodeClientCert(new Uint8Array(bytes))?.length).toBe(CLIENT_CERT_FIELD_MAX_CHARACTERS - 2);
    expect(encodeClientCert(new Uint8Array(bytes + 1))).toBeUndefined();
  });

  test.each([
    "",
    "::",
    "AQID",
    '"AQID"',
    ":AQID",
    "AQID:",
    ":AQID:, :AQID:",
    ":AQID::AQID:",
    ":AQID:;a=1",
    ":AQID:;a",
    ":AQI:",
    ":AQJ=:",
    ":AQ ID:",
    ":A_-D:",
    ":AQID: x",
    "(:AQID:)",
    "?1",
    "%22",
    "-----BEGIN CERTIFICATE-----",
  ])("does not accept %j", (value) => {
    expect(decodeClientCert(value)).toBeUndefined();
  });
});

describe("section 2.3, Client-Cert-Chain", () => {
  test("is a list of them", () => {
    expect(encodeClientCertChain([a, b])).toBe(":AQID:, :/w==:");
    expect(encodeClientCertChain([])).toBe("");
    expect(decodeClientCertChain(":AQID:, :/w==:")).toEqual([a, b]);
    expect(decodeClientCertChain(":AQID:\t,:/w==:")).toEqual([a, b]);
  });

  test("has a limit for the whole", () => {
    const half = new Uint8Array(((CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS / 2 - 8) / 4) * 3);
    expect(encodeClientCertChain([half, half])?.length).toBeLessThanOrEqual(CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS);
    expect(encodeClientCertChain([half, half, half])).toBeUndefined();
  });

  test.each(["", " ", ",", ":AQID:,", ":AQID: :AQID:", "(:AQID:)", ":AQID:;a=1", ":AQID:, 1", ":AQID:, ::", ":AQI:"])(
    "does not accept %j",
    (value) => {
      expect(decodeClientCertChain(value)).toBeUndefined();
    },
  );
});

test("no value makes a decoder throw", () => {
  const piece = fc.constantFrom(":", "AQID", "=", ",", " ", ";", "a", "(", ")", '"', "?1", "\0", "é");
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(piece).map((parts) => parts.join("")),
      ),
      (value) => {
        decodeClientCert(value);
        decodeClientCertChain(value);
      },
    ),
    { numRuns: 500 },
  );
});
