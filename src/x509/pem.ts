/**
 * Reads and writes PEM (RFC 7468). As tolerant as OpenSSL about what stands around the blocks and about line ends; inside
 * a block everything has to be right. One pass over the lines, so that a hostile megabyte costs a megabyte's time.
 */

export interface PemBlock {
  /** What stands between `-----BEGIN ` and `-----` */
  readonly label: string;
  readonly der: Uint8Array;
  /** RFC 1421 headers in lower case, as in keys encrypted the old way (`proc-type`: `4,ENCRYPTED`) */
  readonly headers: ReadonlyMap<string, string>;
}

/** Why a text is not PEM; the code is for programs, and every one needs a different hint. */
export type PemFailureCode = "der" | "too_large" | "no_block" | "truncated" | "label_mismatch" | "bad_base64";

export type PemResult = { ok: true; blocks: PemBlock[] } | { ok: false; code: PemFailureCode; reason: string };

export const PEM_MAX_CHARACTERS = 1024 * 1024;

/** All blocks in order; at least one. */
export function parsePem(input: string | Uint8Array): PemResult {
  if (input.length > PEM_MAX_CHARACTERS) {
    return fail("too_large", `the input has ${input.length} characters, allowed are ${PEM_MAX_CHARACTERS}`);
  }
  if (isDer(input)) return fail("der", "the input is DER, expected is PEM");
  return readBlocks(decodeText(input).split(/\r\n|\n|\r/));
}

/**
 * Whether there is any sign of a private key, also in a block that is cut off or has another mistake: a file that
 * should be public is to be refused before it is sent anywhere.
 */
export function containsPrivateKey(input: string | Uint8Array): boolean {
  return decodeText(input).includes("PRIVATE KEY-----");
}

export function isPrivateKey(block: PemBlock): boolean {
  return block.label.endsWith("PRIVATE KEY");
}

/** PKCS #8 says so in its label, the older formats in a header. */
export function isEncryptedPrivateKey(block: PemBlock): boolean {
  return (
    isPrivateKey(block) && (block.label.startsWith("ENCRYPTED") || block.headers.get("proc-type") === "4,ENCRYPTED")
  );
}

/** `-----BEGIN <label>-----`, lines of 64 characters, and a line end at the end. */
export function encodePem(label: string, der: Uint8Array): string {
  let binary = "";
  for (const byte of der) binary += String.fromCharCode(byte);
  const lines = btoa(binary).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function fail(code: PemFailureCode, reason: string): { ok: false; code: PemFailureCode; reason: string } {
  return { ok: false, code, reason };
}

/** A SEQUENCE whose length takes more than one byte; no text begins like that. */
function isDer(input: string | Uint8Array): boolean {
  const first = typeof input === "string" ? input.charCodeAt(0) : input[0];
  const second = typeof input === "string" ? input.charCodeAt(1) : input[1];
  return first === 0x30 && second !== undefined && second >= 0x80;
}

function decodeText(input: string | Uint8Array): string {
  const text = typeof input === "string" ? input : new TextDecoder().decode(input);
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";

/** The label of a line that is such a boundary; like OpenSSL it tolerates spaces behind, not before. */
function parseBoundary(line: string, prefix: string): string | undefined {
  if (!line.startsWith(prefix)) return undefined;
  const boundary = line.trimEnd();
  return boundary.endsWith(DASHES) ? boundary.slice(prefix.length, -DASHES.length) : undefined;
}

function readBlocks(lines: string[]): PemResult {
  const blocks: PemBlock[] = [];
  let open: { label: string; line: number } | undefined;
  for (const [index, line] of lines.entries()) {
    const begin = parseBoundary(line, BEGIN);
    const end = parseBoundary(line, END);
    if (open === undefined) {
      if (begin !== undefined) open = { label: begin, line: index };
    } else if (begin !== undefined) {
      return fail("truncated", describe(open, `has no end before line ${index + 1}, where another block begins`));
    } else if (end !== undefined) {
      if (end !== open.label) return fail("label_mismatch", describe(open, `ends as "${end}" in line ${index + 1}`));
      const block = decodeBlock(open.label, lines.slice(open.line + 1, index));
      if (block === undefined) return fail("bad_base64", describe(open, "does not hold base64"));
      blocks.push(block);
      open = undefined;
    }
  }
  if (open !== undefined) return fail("truncated", describe(open, "has no end"));
  if (blocks.length === 0)
    return fail("no_block", 'the input holds no PEM block, expected is a line "-----BEGIN …-----"');
  return { ok: true, blocks };
}

function describe(block: { label: string; line: number }, what: string): string {
  return `"${block.label}": the block that begins in line ${block.line + 1} ${what}`;
}

function decodeBlock(label: string, lines: string[]): PemBlock | undefined {
  const headers = new Map<string, string>();
  const blank = lines.findIndex((line) => line.trim() === "");
  const hasHeaders = lines[0]?.includes(":") && blank !== -1;
  for (const line of hasHeaders ? lines.slice(0, blank) : []) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const der = decodeBase64(
    lines
      .slice(hasHeaders ? blank : 0)
      .map((line) => line.trim())
      .join(""),
  );
  return der && { label, der, headers };
}

/** Undefined for an empty text, one without its padding, and anything that is not a digit of base64. */
function decodeBase64(text: string): Uint8Array | undefined {
  if (text === "" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
