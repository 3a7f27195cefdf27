/** Object identifiers in their dotted form, which is the only form they are compared in. */
import { type DerElement, DerError, DerTag, expectDer } from "./der.ts";

/** Enough for the 128 bits of a UUID below 2.25; more would let a certificate choose how long the arithmetic takes. */
const ARC_MAX_BYTES = 19;
/** 7 bits a byte: up to here an arc is exact as a number. */
const NUMBER_MAX_BYTES = 7;

/** @throws DerError */
export function decodeObjectIdentifier(element: DerElement | undefined, what: string): string {
  const { content } = expectDer(element, DerTag.objectIdentifier, what);
  const arcs: (number | bigint)[] = [];
  for (let start = 0; start < content.length; ) {
    let end = start;
    while ((content[end] ?? 0) >= 0x80) end++;
    end++;
    if (end > content.length) throw new DerError(`${what} is cut off`);
    if (content[start] === 0x80 || end - start > ARC_MAX_BYTES) throw new DerError(`${what} has an arc out of bounds`);
    arcs.push(decodeArc(content, start, end));
    start = end;
  }
  const [first, ...rest] = arcs;
  if (first === undefined) throw new DerError(`${what} is empty`);
  return [splitFirstArc(first), ...rest].join(".");
}

function decodeArc(bytes: Uint8Array, start: number, end: number): number | bigint {
  if (end - start > NUMBER_MAX_BYTES) {
    return bytes.subarray(start, end).reduce((arc, byte) => (arc << 7n) | BigInt(byte & 0x7f), 0n);
  }
  let arc = 0;
  for (let index = start; index < end; index++) arc = arc * 128 + ((bytes[index] ?? 0) & 0x7f);
  return arc;
}

/** The first two arcs are encoded as one: 40 times the first, which is 0 to 2, plus the second (X.690, 8.19.4). */
function splitFirstArc(arc: number | bigint): string {
  if (arc >= 80) return `2.${typeof arc === "bigint" ? arc - 80n : arc - 80}`;
  return arc >= 40 ? `1.${Number(arc) - 40}` : `0.${arc}`;
}

const DOTTED = /^(?:[01]\.(?:[0-9]|[1-3][0-9])|2\.(?:0|[1-9][0-9]*))(?:\.(?:0|[1-9][0-9]*))*$/;

/** Whether `text` is an object identifier in the dotted form that {@link decodeObjectIdentifier} gives. */
export function isDottedObjectIdentifier(text: string): boolean {
  return DOTTED.test(text);
}
