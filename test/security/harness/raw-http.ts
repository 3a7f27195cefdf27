/** HTTP/1.1 by hand: bytes as they are, and what came back until the edge closed. */
import { type AskOptions, sendRaw } from "../../edge/harness/client.ts";
import type { TestEdge } from "../../edge/harness/edge.ts";

export interface RawAnswers {
  /** Of every answer on the connection, in order */
  statuses: number[];
  text: string;
}

/** The edge must close the connection: say `connection: close` in the last request that it should answer. */
export async function sendBytes(
  edge: TestEdge,
  bytes: string,
  options: Pick<AskOptions, "hostname" | "identity" | "tls"> = {},
): Promise<RawAnswers> {
  return readAnswers(await sendRaw(edge, bytes, options));
}

export function readAnswers(text: string): RawAnswers {
  // Not only at the beginning of a line: a body need not end with one.
  return { statuses: Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status)), text };
}

/** Header lines, an empty one, and what follows. */
export function writeMessage(lines: readonly string[], body = ""): string {
  return [...lines, "", body].join("\r\n");
}
