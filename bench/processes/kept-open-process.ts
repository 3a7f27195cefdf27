/**
 * mTLS connections that are kept open and busy: each sends its next request when the answer to the last one is there,
 * and what it is told about its certificate is watched. A connection that the edge closes is made anew, as clients do.
 * A request that is not answered properly makes the whole measurement fail.
 */
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import { Client } from "undici";
import { monotonicMs } from "../measurement/monotonic.ts";
import type { ClientIdentity } from "./client-identity.ts";
import { runAsChild } from "./run-as-child.ts";
import { VERDICT_PATH } from "./worker-answers.ts";

export interface KeptOpenLoad {
  port: number;
  identity: ClientIdentity;
  connections: number;
  /** Between an answer and the next request of that connection; 0 for as many as it carries */
  pauseMs: number;
}

/** A connection was told something else than before. */
export interface VerdictChange {
  connection: number;
  /** `SUCCESS`, `FAILED:<reason>` */
  verdict: string;
  /** When its answer was there, {@link monotonicMs} */
  atMs: number;
  /** The TLS connection is the one on which the previous answer came */
  isOnOpenConnection: boolean;
}

/** Everything since the last report. */
export interface KeptOpenReport {
  changes: VerdictChange[];
  answers: number;
  /** The longest time from a request to its answer, a new handshake included where one was needed */
  slowestMs: number;
}

runAsChild<KeptOpenLoad, object>(async (load) => {
  let report: KeptOpenReport = emptyReport();
  let firstFailure: unknown;
  const { ca, cert, key } = load.identity;
  const context = createSecureContext({ ca, cert, key });

  async function keepAsking(connection: number): Promise<void> {
    const { client, countConnects } = openClient(load, context);
    let verdict = "";
    let connects = 0;
    while (firstFailure === undefined) {
      const askedMs = monotonicMs();
      const answer = await askVerdict(client, load.identity.servername);
      const atMs = monotonicMs();
      const isOnOpenConnection = connects === countConnects();
      connects = countConnects();
      if (answer !== verdict) report.changes.push({ connection, verdict: answer, atMs, isOnOpenConnection });
      verdict = answer;
      report.answers += 1;
      report.slowestMs = Math.max(report.slowestMs, atMs - askedMs);
      if (load.pauseMs > 0) await delay(load.pauseMs);
    }
  }

  for (let connection = 0; connection < load.connections; connection++) {
    keepAsking(connection).catch((error: unknown) => {
      firstFailure ??= error;
    });
  }
  return {
    output: {},
    report() {
      if (firstFailure !== undefined) throw firstFailure;
      const last = report;
      report = emptyReport();
      return last;
    },
  };
});

function emptyReport(): KeptOpenReport {
  return { changes: [], answers: 0, slowestMs: 0 };
}

/**
 * One TLS connection at a time, one request on it at a time. All share what is made from the identity: to parse a
 * certificate and a key anew for each connection would take this process as long as half a handshake, and the edge waits
 * for the processor then.
 */
function openClient(
  { port, identity: { servername } }: KeptOpenLoad,
  secureContext: SecureContext,
): { client: Client; countConnects: () => number } {
  const connect = { servername, secureContext };
  // undici would take HTTP/2 where it is offered
  const client = new Client(`https://127.0.0.1:${port}`, { pipelining: 1, allowH2: false, connect });
  let connects = 0;
  client.on("connect", () => {
    connects += 1;
  });
  return { client, countConnects: () => connects };
}

async function askVerdict(client: Client, host: string): Promise<string> {
  const { statusCode, body } = await client.request({ method: "GET", path: VERDICT_PATH, headers: { host } });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`a request was answered with ${statusCode}: ${text.slice(0, 200)}`);
  return text;
}
