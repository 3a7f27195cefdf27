/** What a worker gets when no answer came from an origin: never to be taken for one, whatever went wrong. */
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { EGRESS_FAILURE_HEADER } from "../../src/contract/egress.ts";
import { PROBLEMS } from "../../src/contract/problem.ts";
import type { EgressFailure } from "./failure.ts";

export interface FailureMessage {
  status: number;
  headers: Record<string, string | number>;
  body: Buffer;
}

export function encodeFailure(status: number, { code, reason, hint }: EgressFailure): FailureMessage {
  const body = Buffer.from(JSON.stringify({ reason, hint }));
  const headers = { "content-type": "application/json", "content-length": body.length, [EGRESS_FAILURE_HEADER]: code };
  return { status, headers, body };
}

/** Answers what Node's parser made no request of: by itself it would do so without a word about whose answer it is. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { _httpMessage: answer } = socket as Duplex & { _httpMessage?: ServerResponse | null };
  // In the middle of an answer a second one would be taken for a part of it.
  if (answer?.headersSent === true || error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = encodeFailure(PROBLEMS.origin_unreachable.status, {
    code: "origin_unreachable",
    reason: `the egress cannot read this worker's request: ${error.message}`,
    hint: "send fewer or shorter headers",
  });
  const lines = Object.entries({ ...headers, connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Failed"}\r\n${lines.join("")}\r\n${body}`);
}
