/** Requests from the grammar of HTTP/1.1 and from what smugglers make of it: framing that says two things, or almost nothing. */
import fc from "fast-check";
import { type ByteMutation, byteMutation, mutateText } from "../byte-mutation.ts";

/** A request inside a body; it must never be seen as one. */
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nhost: a.test\r\nx-smuggled: 1\r\n\r\n";

const body = fc.oneof(
  fc.constantFrom("", "hello", SMUGGLED, `0\r\n\r\n${SMUGGLED}`, `\r\n${SMUGGLED}`),
  fc.string({ unit: fc.constantFrom("a", "0", "\r", "\n", "\r\n", ":", " ", "\xff", "\0"), maxLength: 20 }),
);

/** What a request may say about where it ends: header lines, and the bytes after them. */
interface Framed {
  lines: string[];
  content: string;
}

interface ChunkStyle {
  size: number;
  extension: string;
  trailers: string[];
}

function chunk(text: string, { size, extension, trailers }: ChunkStyle): string {
  let encoded = "";
  for (let start = 0; start < text.length; start += size) {
    const part = text.slice(start, start + size);
    encoded += `${part.length.toString(16)}${extension}\r\n${part}\r\n`;
  }
  return `${encoded}0${extension}\r\n${trailers.map((line) => `${line}\r\n`).join("")}\r\n`;
}

const properChunks: fc.Arbitrary<ChunkStyle> = fc.record({
  size: fc.integer({ min: 1, max: 30 }),
  extension: fc.constantFrom("", "", ";a", ";a=b", ';a="b;c"'),
  trailers: fc.constantFrom<string[]>([], [], ["x-trailer: 1"], ["x-trailer: 1", "x-other: 2"]),
});
const properFraming: fc.Arbitrary<Framed> = fc.oneof(
  fc.constant<Framed>({ lines: [], content: "" }),
  body.map((content) => ({ lines: [`content-length: ${content.length}`], content })),
  fc.tuple(body, properChunks).map(([text, style]) => ({
    lines: ["transfer-encoding: chunked"],
    content: chunk(text, style),
  })),
);

const oddChunks: fc.Arbitrary<ChunkStyle> = fc.record({
  size: fc.integer({ min: 1, max: 30 }),
  extension: fc.constantFrom("", " ", ";", "; a", ";\n", "\t", ";a\r", ";\0", '";"', ';a="\n"'),
  trailers: fc.constantFrom<string[]>(
    [],
    ["content-length: 3"],
    ["transfer-encoding: chunked"],
    [" x: 1"],
    ["x"],
    ["host: b.test"],
  ),
});
const length = fc.constantFrom(
  "0",
  "1",
  "5",
  "05",
  "+5",
  "-0",
  "5 ",
  " 5",
  "5,5",
  "5, 5",
  "5;5",
  "0x5",
  "5e0",
  "",
  "\t5",
  "5\v",
  "18446744073709551616",
  "4294967301",
  "9007199254740993",
);
const coding = fc.constantFrom(
  "chunked",
  "Chunked",
  " chunked",
  "chunked ",
  "\tchunked",
  "chunked\v",
  "xchunked",
  "chunked, identity",
  "identity, chunked",
  "gzip, chunked",
  "chunked, chunked",
  "chunked;a=b",
  '"chunked"',
  "identity",
  "",
  ",chunked",
  "chunked,",
  "chunk\0ed",
  "\x0bchunked",
  "chunke\xe4",
);
const name = (text: string) =>
  fc.constantFrom(
    text,
    text.toUpperCase(),
    `${text} `,
    `${text}\t`,
    ` ${text}`,
    text.replace("-", "_"),
    `${text}\0`,
    `x\r\n${text}`,
    `x: y\n${text}`,
    `x: y\r${text}`,
  );

const oddFraming: fc.Arbitrary<Framed> = fc
  .record({
    lengths: fc.array(fc.tuple(name("content-length"), length), { maxLength: 2 }),
    codings: fc.array(fc.tuple(name("transfer-encoding"), coding), { maxLength: 2 }),
    text: body,
    chunks: fc.option(fc.oneof(properChunks, oddChunks), { nil: undefined }),
    isLengthFirst: fc.boolean(),
  })
  .map(({ lengths, codings, text, chunks, isLengthFirst }) => {
    const pairs = isLengthFirst ? [...lengths, ...codings] : [...codings, ...lengths];
    return {
      lines: pairs.map(([each, value]) => `${each}: ${value}`),
      content: chunks === undefined ? text : chunk(text, chunks),
    };
  });

const extraLine = fc.constantFrom(
  "x-a: 1",
  "x-empty:",
  "connection: keep-alive",
  "Connection: close",
  "connection: content-length",
  "connection: x-a, transfer-encoding",
  "connection: upgrade",
  "upgrade: websocket",
  "upgrade: h2c",
  "expect: 100-continue",
  "expect: 200-ok",
  `x-long: ${"v".repeat(300)}`,
  "te: trailers",
  "cookie: a=b; c=d",
  "x-a: caf\xe9",
);
const oddLine = fc.constantFrom(
  "x-a : 1",
  " x-a: 1",
  "x-a: 1\r\n folded",
  "x-a",
  ": 1",
  "x-a: \0",
  "host: b.test",
  "host: a.test",
  "x-a: 1\rx-b: 2",
  "x-a: 1\nx-b: 2",
  "GET /smuggled HTTP/1.1",
  "",
  "x\xff: 1",
  "x-a: 1\x7f",
);

const properTarget = fc.constantFrom(
  "/r",
  "/r?q=1&r=%20",
  "/r/../s",
  "//x",
  "http://a.test/r",
  "https://A.test:443/r?x",
);
const oddTarget = fc.constantFrom(
  "*",
  "r",
  "http://b.test/r",
  "/r r",
  "/r\t",
  "",
  "/\xff",
  "/\0",
  "http://a.test",
  "/r#f",
  "a.test:443",
);

interface Head {
  method: string;
  target: string;
  version: string;
  lines: string[];
}

function print({ method, target, version, lines }: Head, framed: Framed): string {
  const all = [`${method} ${target} ${version}`, ...lines, ...framed.lines];
  return `${all.map((line) => `${line}\r\n`).join("")}\r\n${framed.content}`;
}

const properHead: fc.Arbitrary<Head> = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"),
  target: properTarget,
  version: fc.constant("HTTP/1.1"),
  lines: fc.constantFrom(
    ["host: a.test"],
    ["Host: A.TEST:8443", "x-a: 1"],
    ["x-empty:", "host: a.test", "cookie: a=b"],
  ),
});
const oddHead: fc.Arbitrary<Head> = fc.record({
  method: fc.oneof(
    { weight: 5, arbitrary: properHead.map(({ method }) => method) },
    fc.constantFrom("CONNECT", "TRACE", "get", "FOO", "G ET", "\r\nGET", "\nGET"),
  ),
  target: fc.oneof({ weight: 3, arbitrary: properTarget }, oddTarget),
  version: fc.oneof(
    { weight: 8, arbitrary: fc.constant("HTTP/1.1") },
    fc.constantFrom("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", ""),
  ),
  lines: fc
    .array(fc.oneof({ weight: 3, arbitrary: extraLine }, oddLine), { maxLength: 3 })
    .chain((others) => fc.nat(others.length).map((place) => others.toSpliced(place, 0, "host: a.test"))),
});

/** Requests that every server understands in one way. */
export const properRequest: fc.Arbitrary<string> = fc
  .tuple(properHead, properFraming)
  .map(([head, framed]) => print(head, framed));

/** At least one thing about them is odd, as a rule. */
export const oddRequest: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(properHead, oddFraming, fc.constant<ByteMutation[]>([])) },
    { weight: 1, arbitrary: fc.tuple(oddHead, properFraming, fc.constant<ByteMutation[]>([])) },
    { weight: 1, arbitrary: fc.tuple(oddHead, oddFraming, fc.constant<ByteMutation[]>([])) },
    {
      weight: 2,
      arbitrary: fc.tuple(
        properHead,
        fc.oneof(properFraming, oddFraming),
        fc.array(byteMutation, { minLength: 1, maxLength: 2 }),
      ),
    },
  )
  .map(([head, framed, mutations]) => mutateText(print(head, framed), mutations));

/** Where the bytes are cut into separate writes, as fractions. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 999 }), { maxLength: 3 });

export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const offsets = [...new Set(places.map((place) => Math.floor((place / 1_000) * bytes.length)))].sort((a, b) => a - b);
  return [0, ...offsets].map((start, index) => bytes.subarray(start, offsets[index] ?? bytes.length));
}
