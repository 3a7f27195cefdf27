/** Distinguished names: printed and read back they are the same, and the same only where nothing that counts differs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeDer } from "../../fixtures/pki/der.ts";
import { encodeDistinguishedName } from "../../fixtures/pki/distinguished-name.ts";
import {
  type DistinguishedName,
  decodeDistinguishedName,
  encodeCommaSpace,
  encodeComparisonKey,
  encodeLegacy,
  encodeRfc2253,
  isSameDistinguishedName,
  parseDistinguishedName,
} from "../../src/x509/distinguished-name.ts";
import { byteMutation, mutateBytes, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

interface Attribute {
  type: string;
  value: string;
  stringType: "utf8" | "printable" | "universal";
}
/** As it is encoded: an RDN may hold several attributes */
type Rdns = Attribute[][];

const character = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...'abcXYZ019 .,+"\\<>;=#/') },
  fc.constantFrom(..."\0\t\r\n\x7fäÉßſKıİǅЖж字🔑\u200b\u00a0\u202e\ufeff"),
);
const attribute: fc.Arbitrary<Attribute> = fc.record({
  type: fc.constantFrom("CN", "O", "OU", "C", "emailAddress", "DC", "serialNumber", "2.999.7", "1.3.6.1.4.1.99999.1"),
  value: fc.string({ unit: character, maxLength: 8 }),
  stringType: fc.constantFrom("utf8", "universal"),
});
const rdns: fc.Arbitrary<Rdns> = fc.array(fc.array(attribute, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 4,
});

/** Through DER that another library wrote. */
function read(structure: Rdns): DistinguishedName {
  const result = decodeDistinguishedName(toDer(structure));
  if (!result.ok) throw new Error(result.reason);
  return result.name;
}

function toDer(structure: Rdns): Buffer {
  return encodeDer(encodeDistinguishedName(structure.toReversed()));
}

function parse(text: string): DistinguishedName {
  const result = parseDistinguishedName(text);
  if (!result.ok) throw new Error(`${JSON.stringify(text)}: ${result.reason}`);
  return result.name;
}

describe("a name", () => {
  it("that is printed in either notation is read back as the same", () => {
    fc.assert(
      fc.property(rdns, (structure) => {
        const name = read(structure);
        for (const text of [encodeRfc2253(name), encodeCommaSpace(name)]) {
          expect(isSameDistinguishedName(parse(text), name)).toBe(true);
          expect(encodeComparisonKey(parse(text))).toBe(encodeComparisonKey(name));
        }
      }),
      runs(600),
    );
  });

  it("whose bytes were altered is refused, or is still printed and read back as the same", () => {
    fc.assert(
      fc.property(rdns, fc.array(byteMutation, { minLength: 1, maxLength: 3 }), (structure, mutations) => {
        const result = decodeDistinguishedName(mutateBytes(toDer(structure), mutations));
        if (!result.ok || result.name.rdns.length === 0) return;
        encodeLegacy(result.name);
        for (const text of [encodeRfc2253(result.name), encodeCommaSpace(result.name)]) {
          expect(isSameDistinguishedName(parse(text), result.name)).toBe(true);
        }
      }),
      runs(2_000),
    );
  });

  it("whose text was altered is refused, or printed and read back stays what it is", () => {
    fc.assert(
      fc.property(rdns, fc.array(byteMutation, { minLength: 1, maxLength: 3 }), (structure, mutations) => {
        const result = parseDistinguishedName(mutateText(encodeRfc2253(read(structure)), mutations));
        if (!result.ok) return;
        const printed = encodeRfc2253(result.name);
        expect(encodeRfc2253(parse(printed))).toBe(printed);
        expect(isSameDistinguishedName(parse(printed), result.name)).toBe(true);
      }),
      runs(1_000),
    );
  });
});

/** What may be done to a name without making another one of it; `pick` says where. */
const HARMLESS: Record<string, (structure: Rdns, pick: number) => Rdns> = {
  "other case of ASCII letters": (structure) => mapValues(structure, swapCase),
  "more spaces where one is": (structure) => mapValues(structure, (value) => value.replace(/ +/g, "   ")),
  "spaces around": (structure) => mapValues(structure, (value) => ` ${value}  `),
  "another string type": (structure) =>
    structure.map((rdn) => rdn.map((each) => ({ ...each, stringType: "universal" }))),
  "another order within an RDN": (structure) => structure.map((rdn) => rdn.toReversed()),
};

/** What makes another name of every name. */
const HARMFUL: Record<string, (structure: Rdns, pick: number) => Rdns> = {
  "one character more": (structure, pick) =>
    changeOne(structure, pick, (each) => ({ ...each, value: `${each.value}x` })),
  "a NUL behind": (structure, pick) => changeOne(structure, pick, (each) => ({ ...each, value: `${each.value}\0` })),
  "a tab for a space": (structure, pick) =>
    changeOne(structure, pick, (each) => ({ ...each, value: `${each.value}\ta` })),
  "another type": (structure, pick) => changeOne(structure, pick, (each) => ({ ...each, type: "2.999.8" })),
  "an RDN more": (structure) => [...structure, [{ type: "CN", value: "x", stringType: "utf8" }]],
  "an attribute more": (structure, pick) =>
    structure.map((rdn, index) =>
      index === pick % structure.length ? [...rdn, { type: "L", value: "x", stringType: "utf8" }] : rdn,
    ),
  "what follows in the value in place of an RDN": (structure) => {
    const last = structure.at(-1)?.[0] as Attribute;
    return [...structure.slice(0, -1), [{ ...last, value: `${last.value},O=x` }]];
  },
};

function mapValues(structure: Rdns, change: (value: string) => string): Rdns {
  return structure.map((rdn) => rdn.map((each) => ({ ...each, value: change(each.value) })));
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => (letter < "a" ? letter.toLowerCase() : letter.toUpperCase()));
}

function changeOne(structure: Rdns, pick: number, change: (each: Attribute) => Attribute): Rdns {
  return structure.map((rdn, index) =>
    index === pick % structure.length ? rdn.map((each, at) => (at === pick % rdn.length ? change(each) : each)) : rdn,
  );
}

describe("two names", () => {
  it.each(Object.entries(HARMLESS))("are the same with %s", (_, change) => {
    fc.assert(
      fc.property(rdns, fc.nat(), (structure, pick) => {
        expect(isSameDistinguishedName(read(structure), read(change(structure, pick)))).toBe(true);
      }),
      runs(150),
    );
  });

  it.each(Object.entries(HARMFUL))("are not the same with %s", (_, change) => {
    fc.assert(
      fc.property(rdns, fc.nat(), (structure, pick) => {
        const [a, b] = [read(structure), read(change(structure, pick))];
        expect(isSameDistinguishedName(a, b)).toBe(false);
        expect(encodeComparisonKey(a)).not.toBe(encodeComparisonKey(b));
      }),
      runs(150),
    );
  });

  it.each([
    ["k", "\u212a", "the Kelvin sign"],
    ["s", "\u017f", "the long s"],
    ["i", "\u0131", "the i without a dot"],
    ["I", "\u0130", "the I with a dot"],
    ["a", "\uff41", "the a of full width"],
  ])("are not the same with %s and %s, %s", (usual, odd) => {
    fc.assert(
      fc.property(rdns, fc.nat(), (structure, pick) => {
        const withEnd = (end: string) =>
          read(changeOne(structure, pick, (each) => ({ ...each, value: `${each.value}${end}` })));
        expect(isSameDistinguishedName(withEnd(usual), withEnd(odd))).toBe(false);
      }),
      runs(100),
    );
  });
});

describe("the longest texts that are looked at", () => {
  const LONGEST = 64 * 1024;
  const pieces = ["CN=a,", "CN=", "\\", "\\20", '"', " ", "+", "#00", "=", "OID.1.", "é", "\\,", ";", "CN=\\C3\\A9+"];

  it("take time in proportion to their length", () => {
    const piece = fc.constantFrom(...pieces);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 3 }), piece, fc.array(piece, { maxLength: 3 }), (head, middle, tail) => {
        const text = [...head, middle.repeat(LONGEST / middle.length), ...tail].join("").slice(0, LONGEST);
        const result = parseDistinguishedName(text);
        if (result.ok) encodeComparisonKey(result.name);
      }),
      runs(40),
    );
  });

  it("are not refused as names in certificates, and take time in proportion there, too", () => {
    fc.assert(
      fc.property(fc.constantFrom(" ", "a", "é", "\0", "  x", "É"), fc.nat(LONGEST), (piece, length) => {
        const name = read([[{ type: "CN", value: piece.repeat(length / piece.length), stringType: "utf8" }]]);
        expect(isSameDistinguishedName(name, name)).toBe(true);
        encodeRfc2253(name);
        encodeLegacy(name);
      }),
      runs(20),
    );
  });
});
