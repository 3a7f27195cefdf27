/** Clients with certificates of the account's CA: kept-alive connections at a steady pace, and new connections. */
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionOptions } from "node:tls";
import { percentile } from "../../../bench/measurement/statistics.ts";
import { MARK_HEADER, type VerdictAnswer } from "./answers.ts";
import type { ClientsInput, ClientsReport, Counts, VerifiedIdentity } from "./clients.ts";
import { createHttp1Client, createHttp2Client, type HttpAnswer, type HttpClient } from "./http-client.ts";

/** Each of twenty connections: 200 requests a second */
const REQUEST_INTERVAL_MS = 100;
/** Every fifth connection speaks HTTP/2 */
const HTTP2_EVERY = 5;
const NEW_CONNECTION_INTERVAL_MS = 100;
const PATH = "/";

export type Tally = Omit<ClientsReport, "seconds" | "latencyMs" | "leastInASecond"> & {
  latencies: number[];
  /** Of each answer, in milliseconds of `performance.now` */
  answeredAt: number[];
};

export function emptyTally(): Tally {
  return {
    ...{ answered: 0, failed: {}, handshakes: { made: 0, failed: {} }, strangers: {}, wrong: [] },
    ...{ latencies: [], answeredAt: [] },
  };
}

export function count(counts: Counts, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** @param tally read each time: the parent's question puts a new one in its place */
export function startVerifiedClients(input: ClientsInput, tally: () => Tally): void {
  input.verified.forEach((identity, index) => {
    const tls = tlsOptions(input, identity);
    const client = index % HTTP2_EVERY === 0 ? createHttp2Client(tls) : createHttp1Client(tls, { isKept: true });
    void keepAsking(client, {
      input,
      identity,
      tally,
      offsetMs: (index * REQUEST_INTERVAL_MS) / input.verified.length,
    });
  });
  let turn = 0;
  setInterval(() => {
    const identity = input.verified[turn++ % input.verified.length] as VerifiedIdentity;
    void connectAnew(input, identity, tally);
  }, NEW_CONNECTION_INTERVAL_MS);
}

interface Asking {
  input: ClientsInput;
  identity: VerifiedIdentity;
  tally: () => Tally;
  offsetMs: number;
}

async function keepAsking(client: HttpClient, asking: Asking): Promise<never> {
  let next = performance.now() + asking.offsetMs;
  for (;;) {
    await delay(Math.max(0, next - performance.now()));
    await askOnce(client, asking);
    // Who waited long does not make up for what it left out.
    next = Math.max(next + REQUEST_INTERVAL_MS, performance.now());
  }
}

let marks = 0;

async function askOnce(
  client: HttpClient,
  { input, identity, tally }: Omit<Asking, "offsetMs">,
  onFailure = (error: unknown) => count(tally().failed, describeFailure(error)),
): Promise<void> {
  const mark = `${identity.subject} ${++marks}`;
  const askedMs = performance.now();
  try {
    const answer = await client.get(PATH, { host: input.hostname, [MARK_HEADER]: mark });
    note(tally(), answer, { subject: identity.subject, mark, askedMs });
  } catch (error) {
    onFailure(error);
  }
}

function note(tally: Tally, answer: HttpAnswer, expected: { subject: string; mark: string; askedMs: number }): void {
  if (answer.status !== 200) {
    count(tally.failed, String(answer.status));
    if (answer.status === 503 && answer.retryAfter === undefined) tally.wrong.push("a 503 without Retry-After");
    return;
  }
  const problem = findProblem(answer.body, expected);
  if (problem !== undefined) {
    tally.wrong.push(`${expected.mark}: ${problem}: ${answer.body.slice(0, 300)}`);
    return;
  }
  const nowMs = performance.now();
  tally.answered += 1;
  tally.latencies.push(nowMs - expected.askedMs);
  tally.answeredAt.push(nowMs);
}

function findProblem(body: string, expected: { subject: string; mark: string }): string | undefined {
  let answer: VerdictAnswer;
  try {
    answer = JSON.parse(body) as VerdictAnswer;
  } catch {
    return "half an answer that passed for a whole one";
  }
  if (answer.mark !== expected.mark) return "the answer to another request";
  if (answer.subject !== expected.subject) return "the verdict about another client";
  return answer.verdict === "SUCCESS" ? undefined : "a verified client that was not verified";
}

async function connectAnew(input: ClientsInput, identity: VerifiedIdentity, tally: () => Tally): Promise<void> {
  let isMade = false;
  const client = createHttp1Client(tlsOptions(input, identity), {
    isKept: false,
    onHandshake(socket) {
      isMade = true;
      tally().handshakes.made += 1;
      if (socket.isSessionReused()) tally().wrong.push("a TLS session was resumed");
    },
  });
  await askOnce(client, { input, identity, tally }, (error) => {
    count(isMade ? tally().failed : tally().handshakes.failed, describeFailure(error));
  });
  client.close();
}

export function tlsOptions(
  { port, caPem, hostname }: ClientsInput,
  identity?: { cert: string; key: string },
): ConnectionOptions {
  const { cert, key } = identity ?? {};
  return { host: "127.0.0.1", port, servername: hostname, ca: caPem, ...(identity && { cert, key }) } as never;
}

/** In a few words, so that like is counted with like. */
export function describeFailure(error: unknown): string {
  const { name, code, message } = error as NodeJS.ErrnoException;
  if (name === "AbortError" || name === "TimeoutError" || code === "ABORT_ERR") return "gave up waiting";
  if (code === "ECONNREFUSED") return "refused";
  const isCut =
    code === "ECONNRESET" || code === "EPIPE" || code?.startsWith("ERR_HTTP2") || /aborted|hang up/.test(message);
  return isCut ? "cut" : (code ?? message);
}

export function summarize(tally: Tally, from: number): ClientsReport {
  const { latencies, answeredAt, ...counted } = tally;
  const seconds = (performance.now() - from) / 1_000;
  const bySecond = Array.from({ length: Math.floor(seconds) }, () => 0);
  for (const atMs of answeredAt) {
    const second = Math.floor((atMs - from) / 1_000);
    if (second < bySecond.length) bySecond[second] = (bySecond[second] ?? 0) + 1;
  }
  return {
    ...counted,
    seconds,
    latencyMs: { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) },
    leastInASecond: bySecond.length === 0 ? undefined : Math.min(...bySecond),
  };
}
