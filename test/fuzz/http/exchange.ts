/** Bytes through the edge: what the client was answered, and what the upstream was sent meanwhile. */
import { setImmediate } from "node:timers/promises";
import { connectTls } from "../../edge/harness/client.ts";
import type { TestEdge } from "../../edge/harness/edge.ts";
import { until } from "../../edge/harness/until.ts";
import type { ParsedRequest, RecordingUpstream } from "./recording-upstream.ts";
import type { Reading } from "./strict-reader.ts";

export interface Exchange {
  /** Final answers; 100 Continue is none */
  statuses: number[];
  isClosed: boolean;
  seen: ParsedRequest[];
}

const STATUS_LINE = /HTTP\/1\.1 ([2-5]\d\d) /g;
/** Client, edge and upstream share this process: after that many turns, nothing that was written is still under way. */
const TURNS = 12;

/** @param expected how long to wait: until so many answers came, or the connection ended where it has to */
export async function exchange(
  edge: TestEdge,
  upstream: RecordingUpstream,
  segments: readonly Buffer[],
  expected: Reading,
): Promise<Exchange> {
  const before = upstream.requests.length;
  const socket = await connectTls(edge);
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    answer += text;
  });
  for (const segment of segments) {
    socket.write(segment);
    await turn(2);
  }
  const statuses = () => [...answer.matchAll(STATUS_LINE)].map(([, status]) => Number(status));
  const endsByItself = expected.end === "invalid" || expected.end === "closed";
  // What is answered too late fails the comparison, not this wait.
  await until(() => socket.closed || (!endsByItself && statuses().length >= expected.requests.length)).catch(() => {});
  await turn(TURNS);
  const isClosed = socket.closed;
  socket.destroy();
  await until(() => upstream.openCount === 0);
  return { statuses: statuses(), isClosed, seen: upstream.requests.slice(before) };
}

async function turn(count: number): Promise<void> {
  for (let turns = 0; turns < count; turns++) await setImmediate();
}
