/**
 * Cap'n Proto's text format (capnproto.org, "Language", constants), as far as a configuration of workerd needs it. Values of
 * JavaScript in, text out: a text is quoted, an object is a struct, a file is embedded by whoever reads the text.
 */

/** A file, relative to the one that names it */
export interface Embedded {
  embed: string;
}

export type CapnpValue = string | number | boolean | Embedded | readonly CapnpValue[] | CapnpStruct;
export interface CapnpStruct {
  readonly [field: string]: CapnpValue;
}

const INDENT = "  ";

/** @param depth of the lines that are begun; the first one stands where the caller is */
export function printCapnp(value: CapnpValue, depth = 0): string {
  if (typeof value === "string") return quote(value);
  if (typeof value !== "object") return String(value);
  if (isList(value))
    return printItems(
      "[",
      value.map((item) => printCapnp(item, depth + 1)),
      "]",
      depth,
    );
  if (isEmbedded(value)) return `embed ${quote(value.embed)}`;
  const fields = Object.entries(value).map(([name, field]) => `${name} = ${printCapnp(field, depth + 1)}`);
  return printItems("(", fields, ")", depth);
}

/** Strings of Cap'n Proto have C's escapes; those of JSON beyond them are Unicode, which may stand as it is. */
function quote(text: string): string {
  const escaped = text.replace(/[\\"\p{Cc}]/gu, (character) => {
    if (character === "\\" || character === '"') return `\\${character}`;
    return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
  return `"${escaped}"`;
}

function printItems(open: string, items: readonly string[], close: string, depth: number): string {
  const line = `${open}${items.length > 0 ? ` ${items.join(", ")} ` : ""}${close}`;
  if (line.length + INDENT.length * depth <= 100 && !line.includes("\n")) return line;
  const inner = INDENT.repeat(depth + 1);
  return `${open}\n${items.map((item) => `${inner}${item}`).join(",\n")}\n${INDENT.repeat(depth)}${close}`;
}

function isEmbedded(value: CapnpStruct | Embedded): value is Embedded {
  return typeof value.embed === "string" && Object.keys(value).length === 1;
}

function isList(value: CapnpValue): value is readonly CapnpValue[] {
  return Array.isArray(value);
}
