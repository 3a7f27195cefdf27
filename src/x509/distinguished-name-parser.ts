/**
 * Reads distinguished names from text: RFC 4514, with what RFC 2253 adds (quoted values, `;`, `OID.1.2.3`, spaces
 * around separators) and what OpenSSL prints. Strict in everything else: a special character that is not escaped, an
 * unknown type or half a UTF-8 sequence is an error with its position, because a pin that was misread would let in
 * nobody or the wrong one. One pass, linear in the length of the text.
 */
import { findAttributeType } from "./attribute-types.ts";
import { type AttributeValue, createTextValue, decodeAttributeValue } from "./attribute-value.ts";
import { readDer } from "./der.ts";
import type { AttributeTypeAndValue, DistinguishedName, RelativeDistinguishedName } from "./distinguished-name.ts";
import { decodeHex } from "./hex.ts";
import { isDottedObjectIdentifier } from "./object-identifier.ts";

export type DistinguishedNameResult =
  | { ok: true; name: DistinguishedName }
  /** `position` counts UTF-16 code units from 0; `reason` says what was found there and what is allowed */
  | { ok: false; reason: string; position: number };

/**
 * Parses `CN=example-ca,O=Example,C=US` and `CN=example-ca, O=Example, C=US`. An empty text is not a name: in a
 * policy it is a forgotten value.
 */
export function parseDistinguishedName(text: string): DistinguishedNameResult {
  try {
    return { ok: true, name: readName({ text, position: 0 }) };
  } catch (error) {
    if (!(error instanceof NameSyntaxError)) throw error;
    return { ok: false, reason: error.message, position: error.position };
  }
}

interface Cursor {
  readonly text: string;
  position: number;
}

class NameSyntaxError extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/** Far beyond any name that is printed; keeps what a regular expression has to look at small. */
const TEXT_MAX_CHARACTERS = 64 * 1024;

function readName(cursor: Cursor): DistinguishedName {
  if (cursor.text.length > TEXT_MAX_CHARACTERS) {
    throw new NameSyntaxError(`the text has ${cursor.text.length} characters, allowed are ${TEXT_MAX_CHARACTERS}`, 0);
  }
  if (!cursor.text.isWellFormed()) throw new NameSyntaxError("the text holds half a surrogate pair", 0);
  const rdns: RelativeDistinguishedName[] = [];
  do rdns.push(readRelativeName(cursor));
  while (accept(cursor, ",") || accept(cursor, ";"));
  if (!isAtEnd(cursor))
    throw unexpected(cursor, 'a value ends with ",", "+" or the end; inside, it is written with "\\"');
  return Object.freeze({ rdns: Object.freeze(rdns.reverse()) });
}

function readRelativeName(cursor: Cursor): RelativeDistinguishedName {
  const attributes: AttributeTypeAndValue[] = [];
  do attributes.push(readAttribute(cursor));
  while (accept(cursor, "+"));
  return Object.freeze(attributes.reverse());
}

function readAttribute(cursor: Cursor): AttributeTypeAndValue {
  skipSpaces(cursor);
  const type = readType(cursor);
  skipSpaces(cursor);
  if (!accept(cursor, "=")) throw unexpected(cursor, 'an attribute type is followed by "="');
  skipSpaces(cursor);
  const value = readValue(cursor);
  skipSpaces(cursor);
  return Object.freeze({ type, value });
}

const TYPE = /[A-Za-z0-9.-]*/y;

function readType(cursor: Cursor): string {
  const start = cursor.position;
  const written = readMatch(cursor, TYPE);
  if (written === "") throw unexpected(cursor, "an attribute type such as CN or 2.5.4.3 is expected");
  const dotted = /^oid\./i.test(written) ? written.slice(4) : written;
  if (isDottedObjectIdentifier(dotted)) return dotted;
  const type = findAttributeType(written);
  if (type === undefined) {
    throw new NameSyntaxError(
      `"${written}" is not an attribute type, allowed are names such as CN and dotted OIDs`,
      start,
    );
  }
  return type;
}

function readValue(cursor: Cursor): AttributeValue {
  if (peek(cursor) === "#") return readHexValue(cursor);
  if (accept(cursor, '"')) return createTextValue(readQuotedText(cursor));
  return createTextValue(readPlainText(cursor));
}

const HEX_DIGITS = /[0-9A-Fa-f]*/y;

/** RFC 4514, section 2.4: `#` and the encoded value. A lone `#` is how OpenSSL prints the text "#". */
function readHexValue(cursor: Cursor): AttributeValue {
  const start = cursor.position;
  cursor.position++;
  const digits = readMatch(cursor, HEX_DIGITS);
  if (digits === "") return createTextValue("#");
  try {
    const bytes = decodeHex(digits);
    if (bytes === undefined) throw new Error("the number of digits is odd");
    return decodeAttributeValue(readDer(bytes));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new NameSyntaxError(`"#${digits}" is not an encoded value: ${detail}`, start);
  }
}

/** RFC 2253, section 4: between quotes everything but `"` and `\` stands for itself. */
function readQuotedText(cursor: Cursor): string {
  let text = "";
  while (!accept(cursor, '"')) {
    if (isAtEnd(cursor)) throw unexpected(cursor, 'a quoted value ends with """');
    text += readCharacter(cursor);
  }
  return text;
}

const ENDS_VALUE = new Set([",", "+", ";"]);
const NEEDS_ESCAPE = new Set(['"', "<", ">"]);

function readPlainText(cursor: Cursor): string {
  let text = "";
  /** Length of the text without the spaces at its end that are not escaped */
  let kept = 0;
  for (let next = peek(cursor); next !== undefined && !ENDS_VALUE.has(next); next = peek(cursor)) {
    if (NEEDS_ESCAPE.has(next)) throw unexpected(cursor, 'inside a value it is written with "\\" before it');
    text += readCharacter(cursor);
    if (next !== " ") kept = text.length;
  }
  return text.slice(0, kept);
}

function readCharacter(cursor: Cursor): string {
  const next = peek(cursor);
  if (next === "\\") return readEscape(cursor);
  if (next === "\0") throw unexpected(cursor, 'a NUL is written "\\00"');
  cursor.position++;
  return next ?? "";
}

const HEX_PAIRS = /(?:\\[0-9A-Fa-f]{2})+/y;
const SPECIAL = new Set([",", "+", '"', "\\", "<", ">", ";", " ", "#", "="]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Neighbouring `\XX` are the bytes of one piece of UTF-8. */
function readEscape(cursor: Cursor): string {
  const start = cursor.position;
  const pairs = readMatch(cursor, HEX_PAIRS);
  if (pairs !== "") {
    try {
      return utf8.decode(decodeHex(pairs.replaceAll("\\", "")));
    } catch {
      throw new NameSyntaxError(`"${pairs}" is not UTF-8`, start);
    }
  }
  cursor.position++;
  const escaped = peek(cursor);
  if (escaped === undefined || !SPECIAL.has(escaped)) {
    throw unexpected(cursor, 'after "\\" come two hex digits or one of , + " \\ < > ; # = and space');
  }
  cursor.position++;
  return escaped;
}

function peek(cursor: Cursor): string | undefined {
  return cursor.text[cursor.position];
}

function isAtEnd(cursor: Cursor): boolean {
  return cursor.position >= cursor.text.length;
}

function accept(cursor: Cursor, character: string): boolean {
  if (peek(cursor) !== character) return false;
  cursor.position++;
  return true;
}

function skipSpaces(cursor: Cursor): void {
  while (peek(cursor) === " ") cursor.position++;
}

/** Reads what the sticky `pattern` matches here, which may be nothing. */
function readMatch(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.position;
  const match = pattern.exec(cursor.text)?.[0] ?? "";
  cursor.position += match.length;
  return match;
}

function unexpected(cursor: Cursor, rule: string): NameSyntaxError {
  const next = peek(cursor);
  const found = next === undefined ? "the name ends too early" : `"${next}" is unexpected`;
  return new NameSyntaxError(`${found}, ${rule}`, cursor.position);
}
