/**
 * HTTP/1.1 requests as RFC 9112 has them, read with no tolerance at all and independently of any server: where does each
 * one end? Whatever could be read in two ways is invalid here.
 */

export interface StrictRequest {
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: Buffer;
}

export interface Reading {
  /** Those that are there whole, in order */
  requests: StrictRequest[];
  /** One whose headers are right and whose body is not there to its end */
  partial: StrictRequest | undefined;
  /**
   * What follows the last of {@link requests}: nothing, the beginning of another one, what is none, bytes after a request that
   * asked to close or to speak another protocol, which nobody may read as a request
   */
  end: "nothing" | "incomplete" | "invalid" | "closed";
}

class Cursor {
  readonly bytes: Buffer;
  offset = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Up to the next CRLF, which is skipped. @throws Incomplete, or Invalid for a CR or LF alone */
  readLine(): string {
    for (let end = this.offset; end < this.bytes.length; end++) {
      const byte = this.bytes[end];
      if (byte === 0x0a) throw new Invalid();
      if (byte !== 0x0d) continue;
      if (end + 1 === this.bytes.length) throw new Incomplete();
      if (this.bytes[end + 1] !== 0x0a) throw new Invalid();
      const line = this.bytes.toString("latin1", this.offset, end);
      this.offset = end + 2;
      return line;
    }
    throw new Incomplete();
  }

  /** At most `count` bytes; who needs all of them looks at how many came. */
  read(count: number): Buffer {
    const bytes = this.bytes.subarray(this.offset, this.offset + count);
    this.offset += bytes.length;
    return bytes;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.bytes.length;
  }
}

class Incomplete extends Error {}
class Invalid extends Error {}

export function readStrictly(bytes: Buffer): Reading {
  const cursor = new Cursor(bytes);
  const requests: StrictRequest[] = [];
  let partial: StrictRequest | undefined;
  try {
    for (;;) {
      // RFC 9112, section 2.2: empty lines before a request are skipped. Of whatever line ends: nothing hides in them.
      while (bytes[cursor.offset] === 0x0d || bytes[cursor.offset] === 0x0a) cursor.offset++;
      if (cursor.isAtEnd) return { requests, partial, end: "nothing" };
      const { request, isLast, framing } = readHead(cursor);
      partial = request;
      readBody(cursor, request, framing);
      partial = undefined;
      requests.push(request);
      if (isLast) return { requests, partial, end: "closed" };
    }
  } catch (error) {
    if (error instanceof Incomplete) return { requests, partial, end: "incomplete" };
    if (error instanceof Invalid) return { requests, partial, end: "invalid" };
    throw error;
  }
}

/** RFC 9112, section 3, lets servers take several spaces for one; that moves no request's end. */
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([\x21-\x7e]+) +HTTP\/1\.([01])$/;
const FIELD_LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;

type Framing = { kind: "none" } | { kind: "length"; length: number } | { kind: "chunked" };

function readHead(cursor: Cursor): { request: StrictRequest; isLast: boolean; framing: Framing } {
  const [, method = "", target = "", minor = ""] = match(REQUEST_LINE, cursor.readLine());
  const headers = readFields(cursor);
  const request = { method, target, headers, body: Buffer.alloc(0) };
  const options = valuesOf(headers, "connection").map((value) => value.toLowerCase());
  const isKept =
    minor === "1" ? !options.includes("close") : options.includes("keep-alive") && !options.includes("close");
  const isUpgrade = options.includes("upgrade") && valuesOf(headers, "upgrade").length > 0;
  return { request, isLast: !isKept || isUpgrade || method === "CONNECT", framing: readFraming(headers, minor) };
}

function readFields(cursor: Cursor): [string, string][] {
  const fields: [string, string][] = [];
  for (let line = cursor.readLine(); line !== ""; line = cursor.readLine()) {
    const [, name = "", value = ""] = match(FIELD_LINE, line);
    fields.push([name, value]);
  }
  return fields;
}

/** Of all lines of that name, split at commas */
function valuesOf(headers: StrictRequest["headers"], wanted: string): string[] {
  return headers
    .filter(([name]) => name.toLowerCase() === wanted)
    .flatMap(([, value]) => value.split(","))
    .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ""));
}

/** RFC 9112, section 6.3, where a server may refuse it does: both, several, another coding than chunked, HTTP/1.0. */
function readFraming(headers: StrictRequest["headers"], minor: string): Framing {
  const lengths = valuesOf(headers, "content-length");
  const codings = valuesOf(headers, "transfer-encoding");
  if (codings.length > 0) {
    if (lengths.length > 0 || codings.length > 1 || codings[0]?.toLowerCase() !== "chunked" || minor === "0") {
      throw new Invalid();
    }
    return { kind: "chunked" };
  }
  if (lengths.length === 0) return { kind: "none" };
  const [length = ""] = lengths;
  if (lengths.length > 1 || !/^[0-9]+$/.test(length) || !Number.isSafeInteger(Number(length))) throw new Invalid();
  return { kind: "length", length: Number(length) };
}

function readBody(cursor: Cursor, request: StrictRequest, framing: Framing): void {
  if (framing.kind === "length") {
    request.body = cursor.read(framing.length);
    if (request.body.length < framing.length) throw new Incomplete();
  } else if (framing.kind === "chunked") readChunks(cursor, request);
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const CHUNK_LINE = new RegExp(
  `^([0-9A-Fa-f]{1,12})((?:;${TOKEN}(?:=(?:${TOKEN}|"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"))?)*)$`,
);

function readChunks(cursor: Cursor, request: StrictRequest): void {
  for (;;) {
    const [, digits = ""] = match(CHUNK_LINE, cursor.readLine());
    const size = Number.parseInt(digits, 16);
    if (size === 0) break;
    const data = cursor.read(size);
    request.body = Buffer.concat([request.body, data]);
    if (data.length < size) throw new Incomplete();
    if (cursor.readLine() !== "") throw new Invalid();
  }
  const trailers = readFields(cursor);
  if (trailers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))) throw new Invalid();
}

function match(pattern: RegExp, text: string): RegExpExecArray {
  const found = pattern.exec(text);
  if (found === null) throw new Invalid();
  return found;
}
