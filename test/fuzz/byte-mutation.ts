/**
 * What goes wrong with bytes on their way: one bit over, a byte more or less, a piece twice, cut off, or from elsewhere.
 * Places are fractions, so that one mutation fits any input and shrinks by itself.
 */
import fc from "fast-check";

export type ByteMutation =
  | { kind: "flip"; at: number; bit: number }
  | { kind: "replace"; at: number; byte: number }
  | { kind: "insert"; at: number; bytes: Uint8Array }
  | { kind: "delete"; at: number; count: number }
  /** The `count` bytes at `from` once more, at `at` */
  | { kind: "duplicate"; at: number; from: number; count: number }
  /** The bytes at `at` and those at `from` change places */
  | { kind: "swap"; at: number; from: number; count: number }
  | { kind: "truncate"; at: number };

/** Of a thousand thousand: fine enough for every byte of the largest input here */
const PLACES = 1_000_000;
// Without bias: most of what fast-check would add to the first and the last byte breaks nothing but the frame.
const at = fc.noBias(fc.nat(PLACES - 1));
const count = fc.integer({ min: 1, max: 40 });

export const byteMutation: fc.Arbitrary<ByteMutation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("replace" as const), at, byte: fc.nat(255) }) },
  fc.record({ kind: fc.constant("insert" as const), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
  fc.record({ kind: fc.constant("delete" as const), at, count }),
  fc.record({ kind: fc.constant("duplicate" as const), at, from: at, count }),
  fc.record({ kind: fc.constant("swap" as const), at, from: at, count }),
  fc.record({ kind: fc.constant("truncate" as const), at }),
);

/** In the order of the list, each on what the one before it left. */
export function mutateBytes(bytes: Uint8Array, mutations: readonly ByteMutation[]): Uint8Array {
  return mutations.reduce(mutateOnce, bytes);
}

/** The same for text, each character one byte. */
export function mutateText(text: string, mutations: readonly ByteMutation[]): string {
  return Buffer.from(mutateBytes(Buffer.from(text, "latin1"), mutations)).toString("latin1");
}

function mutateOnce(bytes: Uint8Array, mutation: ByteMutation): Uint8Array {
  const place = (fraction: number) => Math.floor((fraction / PLACES) * bytes.length);
  const start = place(mutation.at);
  const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  const before = bytes.subarray(0, start);
  switch (mutation.kind) {
    case "flip":
      return bytes.map((byte, index) => (index === start ? byte ^ (1 << mutation.bit) : byte));
    case "replace":
      return bytes.map((byte, index) => (index === start ? mutation.byte : byte));
    case "insert":
      return join(before, mutation.bytes, bytes.subarray(start));
    case "delete":
      return join(before, bytes.subarray(start + mutation.count));
    case "duplicate": {
      const from = place(mutation.from);
      return join(before, bytes.subarray(from, from + mutation.count), bytes.subarray(start));
    }
    case "swap": {
      const [low, high] = [start, place(mutation.from)].sort((a, b) => a - b) as [number, number];
      const length = Math.min(mutation.count, high - low);
      const [first, second] = [bytes.subarray(low, low + length), bytes.subarray(high, high + length)];
      return join(
        ...[bytes.subarray(0, low), second, bytes.subarray(low + length, high), first],
        bytes.subarray(high + length),
      );
    }
    case "truncate":
      return before;
  }
}

/** `flip bit 3 at 12.3456 %` */
export function describeMutation(mutation: ByteMutation): string {
  const percent = (fraction: number) => `${(fraction / (PLACES / 100)).toFixed(4)} %`;
  switch (mutation.kind) {
    case "flip":
      return `bit ${mutation.bit} flipped at ${percent(mutation.at)}`;
    case "replace":
      return `byte ${mutation.byte} put at ${percent(mutation.at)}`;
    case "insert":
      return `${Buffer.from(mutation.bytes).toString("hex")} inserted at ${percent(mutation.at)}`;
    case "delete":
      return `${mutation.count} bytes deleted at ${percent(mutation.at)}`;
    case "duplicate":
      return `${mutation.count} bytes of ${percent(mutation.from)} repeated at ${percent(mutation.at)}`;
    case "swap":
      return `${mutation.count} bytes at ${percent(mutation.at)} and ${percent(mutation.from)} exchanged`;
    case "truncate":
      return `cut off at ${percent(mutation.at)}`;
  }
}
