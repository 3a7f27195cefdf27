/** The fields of RFC 9440: one text a list of certificates, and a text that was altered is another list or none. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeClientCert,
  decodeClientCertChain,
  encodeClientCert,
  encodeClientCertChain,
} from "../../src/contract/client-cert-field.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

const der = fc.uint8Array({ minLength: 1, maxLength: 60 });
const chain = fc.array(der, { minLength: 1, maxLength: 4 });
const mutations = fc.array(byteMutation, { minLength: 1, maxLength: 3 });

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
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        const decoded = decodeClientCertChain(text);
        if (decoded !== undefined) expect(encodeClientCertChain(decoded)).toBe(withoutListSpaces(text));
      }),
      runs(3_000),
    );
  });
});
