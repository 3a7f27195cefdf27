/** Bearer tokens of requests (RFC 6750): one token in one header, and nothing else is one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BearerToken, parseBearerToken } from "../../src/policies/bearer-token.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

const URL_WITHOUT_TOKEN = "https://api.example.com/a?b=c";
const TOKEN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";

const token = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 30 }),
    fc.nat(3).map((count) => "=".repeat(count)),
  )
  .map(([text, padding]) => text + padding);
const scheme = fc.mixedCase(fc.constant("bearer"));
const credentials = fc
  .tuple(scheme, fc.integer({ min: 1, max: 4 }), token)
  .map(([name, spaces, text]) => name + " ".repeat(spaces) + text);

/** What no header can have in it never arrives. */
const asFieldValue = (text: string) => text.replace(/[\0\r\n]|[^\0-\xff]/g, "");
const piece = fc.constantFrom(
  "Bearer",
  "bearer",
  "BEARER ",
  "Basic ",
  "DPoP ",
  "b",
  "bear",
  "abc.def-ghi",
  "A",
  "=",
  "==",
  " ",
  "  ",
  "\t",
  ",",
  ", ",
  ";",
  '"',
  ":",
  "\xa0",
  "\xe9",
);
const fieldValue = fc
  .oneof(
    fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
    fc
      .tuple(credentials, fc.array(byteMutation, { minLength: 1, maxLength: 2 }))
      .map(([text, mutations]) => mutateText(text, mutations)),
    credentials,
    fc.string({ unit: "binary", maxLength: 20 }),
  )
  .map(asFieldValue);

function parse(values: readonly string[], url = URL_WITHOUT_TOKEN): BearerToken {
  const headers = new Headers();
  for (const value of values) headers.append("authorization", value);
  return parseBearerToken(new Request(url, { headers }));
}

/** Written apart from bearer-token.ts: the scheme, spaces, characters of a token, and `=` at its end alone. */
function readToken(value: string): string | undefined {
  const text = value.replace(/^[\t ]+|[\t ]+$/g, "");
  if (text.slice(0, 6).toLowerCase() !== "bearer" || text[6] !== " ") return undefined;
  const [first, ...more] = text
    .slice(7)
    .split(" ")
    .filter((part) => part !== "");
  if (first === undefined || more.length > 0) return undefined;
  let end = first.length;
  while (first[end - 1] === "=") end -= 1;
  const isToken = end > 0 && [...first.slice(0, end)].every((character) => TOKEN_CHARACTERS.includes(character));
  return isToken ? first : undefined;
}

describe("a bearer token", () => {
  it("is given back to the letter, whatever the case of its scheme", () => {
    fc.assert(
      fc.property(scheme, fc.integer({ min: 1, max: 4 }), token, (name, spaces, text) => {
        expect(parse([name + " ".repeat(spaces) + text])).toEqual({ kind: "token", token: text });
      }),
      runs(2_000),
    );
  });

  it("is what an independent reading of the header says, and nothing that looks like one passes for none", () => {
    fc.assert(
      fc.property(fieldValue, (value) => {
        const parsed = parse([value]);
        const expected = readToken(value);
        if (expected !== undefined) expect(parsed).toEqual({ kind: "token", token: expected });
        else if (/^[\t ]*bearer(?![^\s,])/i.test(value)) expect(parsed.kind).toBe("malformed");
        else expect(parsed.kind).not.toBe("token");
      }),
      runs(8_000),
    );
  });

  it("is none of several headers, in whichever order they came", () => {
    fc.assert(
      fc.property(fc.array(fieldValue, { minLength: 1, maxLength: 3 }), credentials, fc.nat(3), (values, own, at) => {
        expect(parse(values.toSpliced(at, 0, own)).kind).toBe("malformed");
      }),
      runs(3_000),
    );
  });

  it("is none beside another one in the query, however that is spelled", () => {
    const letter = (character: string) =>
      fc.constantFrom(character, `%${character.charCodeAt(0).toString(16)}`, `%${hexOf(character).toUpperCase()}`);
    const name = fc.tuple(...[..."access_token"].map(letter)).map((letters) => letters.join(""));
    const pair = fc.constantFrom("a=b", "x", "", "access=1", "=");
    fc.assert(
      fc.property(
        credentials,
        name,
        fc.constantFrom("", "=", "=abc"),
        pair,
        pair,
        (own, spelled, value, one, other) => {
          const url = `https://api.example.com/?${one}&${spelled}${value}&${other}`;
          expect(parse([own], url).kind).toBe("malformed");
        },
      ),
      runs(1_000),
    );
  });

  it("of any length is looked for in proportion to it", () => {
    fc.assert(
      fc.property(piece, piece, piece, (first, repeated, last) => {
        const parsed = parse([first + repeated.repeat(300_000 / repeated.length) + last]);
        expect(["token", "missing", "malformed"]).toContain(parsed.kind);
      }),
      runs(100),
    );
  });
});

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16);
}
