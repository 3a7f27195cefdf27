/** The fields of RFC 9440: one text a list of certificates, and a text that was altered is another list or none. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeClientCert,
  decodeClientCertChain,
  encodeClientCert,
  encodeClientCertChain,
  isClientCertField,
} from "../../src/contract/client-cert-field.ts";
import { CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS, CLIENT_CERT_FIELD_MAX_CHARACTERS } from "../../src/contract/limits.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

const der = fc.uint8Array({ minLength: 1, maxLength: 60 });
const chain = fc.array(der, { minLength: 1, maxLength: 4 });
const mutations = fc.array(byteMutation, { minLength: 1, maxLength: 3 });

/** Of the grammar, in no order */
const piece = fc.constantFrom(
  ":AQID:",
  ":",
  "AQID",
  ", ",
  ",",
  "\t",
  " ",
  ";a=1",
  "(",
  ")",
  '"',
  "?1",
  "=",
  "AQI=",
  "\0",
  "é",
);
const grammar = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

/** Certificates of these many bytes, each of which is 1 */
const chainText = (lengths: readonly number[]) =>
  lengths.map((length) => `:${Buffer.alloc(length, 1).toString("base64")}:`).join(", ");

/** What RFC 9651 lets stand around an item, and around the commas of a list. */
const withoutSpaces = (text: string) => text.replace(/^ +| +$/g, "");
const withoutListSpaces = (text: string) => text.replace(/^ +|[ \t]+$/g, "").replace(/[ \t]*,[ \t]*/g, ", ");

describe("Client-Cert", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(der, (bytes) => {
        expect(decodeClientCert(encodeClientCert(bytes) as string)).toEqual(bytes);
      }),
      runs(1_000),
    );
  });

  it("has one spelling for each certificate, whatever is done to it", () => {
    fc.assert(
      fc.property(der, mutations, (bytes, changes) => {
        const text = mutateText(encodeClientCert(bytes) as string, changes);
        const decoded = decodeClientCert(text);
        if (decoded !== undefined) expect(encodeClientCert(decoded)).toBe(withoutSpaces(text));
      }),
      runs(5_000),
    );
  });

  it("of pieces of the grammar in any order, or of any text, is one certificate in that spelling, or none", () => {
    fc.assert(
      fc.property(fc.oneof(grammar, fc.string({ unit: "binary", maxLength: 20 })), (text) => {
        const decoded = decodeClientCert(text);
        if (decoded !== undefined) expect(encodeClientCert(decoded)).toBe(withoutSpaces(text));
      }),
      runs(3_000),
    );
  });

  it("is never a list: two certificates do not both say who the client is", () => {
    fc.assert(
      fc.property(fc.array(der, { minLength: 2, maxLength: 3 }), fc.constantFrom(",", ", ", " ", ""), (ders, comma) => {
        expect(decodeClientCert(ders.map((bytes) => encodeClientCert(bytes)).join(comma))).toBeUndefined();
      }),
      runs(500),
    );
  });

  it("is written as long as it may be, and not a character longer", () => {
    const around = fc.integer({ min: 7_600, max: 7_800 });
    fc.assert(
      fc.property(around, (length) => {
        const text = `:${Buffer.alloc(length, 1).toString("base64")}:`;
        const fits = text.length <= CLIENT_CERT_FIELD_MAX_CHARACTERS;
        expect(encodeClientCert(new Uint8Array(length).fill(1))).toBe(fits ? text : undefined);
      }),
      runs(100),
    );
  });

  it("and its chain are known by name in every spelling that means them, and nothing else is", () => {
    const dash = fc.oneof({ weight: 4, arbitrary: fc.constantFrom("-", "_") }, fc.constantFrom("--", "", " ", "."));
    const words = fc.constantFrom(
      ["client", "cert"],
      ["client", "cert", "chain"],
      ["client", "certs"],
      ["cert", "client"],
      ["client"],
      ["client", "cert", "chain", ""],
      ["x", "client", "cert"],
    );
    fc.assert(
      fc.property(words, fc.array(dash, { minLength: 4, maxLength: 4 }), (parts, dashes) => {
        const name = parts.map((word, index) => (index === 0 ? word : dashes[index] + word)).join("");
        const normal = name.split("_").join("-");
        expect(isClientCertField(name)).toBe(["client-cert", "client-cert-chain"].includes(normal));
      }),
      runs(1_000),
    );
  });

  it("of any length is read in proportion to it", () => {
    fc.assert(
      fc.property(piece, piece, (repeated, last) => {
        const text = repeated.repeat(100_000 / repeated.length) + last;
        for (const decode of [decodeClientCert, decodeClientCertChain]) {
          const decoded = decode(text);
          expect(decoded === undefined || decoded.length > 0).toBe(true);
        }
      }),
      runs(30),
    );
  });
});

describe("Client-Cert-Chain", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(chain, (ders) => {
        expect(decodeClientCertChain(encodeClientCertChain(ders) as string)).toEqual(ders);
      }),
      runs(1_000),
    );
  });

  it("has one spelling for each list, whatever is done to it", () => {
    fc.assert(
      fc.property(chain, mutations, (ders, changes) => {
        const text = mutateText(encodeClientCertChain(ders) as string, changes);
        const decoded = decodeClientCertChain(text);
        if (decoded !== undefined) expect(encodeClientCertChain(decoded)).toBe(withoutListSpaces(text));
      }),
      runs(5_000),
    );
  });

  it("of pieces of the grammar in any order is a list in that spelling, or none", () => {
    fc.assert(
      fc.property(grammar, (text) => {
        const decoded = decodeClientCertChain(text);
        if (decoded === undefined) return;
        expect(decoded.length).toBeGreaterThan(0);
        expect(encodeClientCertChain(decoded)).toBe(withoutListSpaces(text));
      }),
      runs(3_000),
    );
  });

  it("is written as long as it may be, and not a character longer", () => {
    const others = fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 3 });
    fc.assert(
      fc.property(others, fc.integer({ min: -2, max: 2 }), (given, steps) => {
        const left = CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS - chainText([...given, 0]).length;
        // Three bytes are four characters: the last one ends a step or two before the limit, or behind it.
        const lengths = [...given, 3 * (Math.floor(left / 4) + steps)];
        const text = chainText(lengths);
        const fits = text.length <= CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS;
        expect(fits).toBe(steps <= 0);
        const written = encodeClientCertChain(lengths.map((length) => new Uint8Array(length).fill(1)));
        expect(written).toBe(fits ? text : undefined);
      }),
      runs(200),
    );
  });
});
