/** Requests to an ingress, as contenders of a table. */
import type { Sample } from "../../measurement/sample.ts";
import type { Window } from "../../measurement/window.ts";
import type { HandshakeLoad } from "../../processes/handshake-process.ts";
import type { Http2Load } from "../../processes/http2-load-process.ts";
import type { KeepAliveLoad } from "../../processes/keep-alive-process.ts";
import { runChild } from "../../processes/start-child.ts";
import { LARGE_PATH, LARGE_TEXT, SMALL_JSON } from "../../processes/worker-answers.ts";
import type { TrivialWorker } from "../../processes/worker-process.ts";
import { HOSTNAME } from "./client-side.ts";
import type { Ingress } from "./ingresses.ts";

const KEEP_ALIVE = new URL("../../processes/keep-alive-process.ts", import.meta.url);
const HTTP2 = new URL("../../processes/http2-load-process.ts", import.meta.url);
const HANDSHAKES = new URL("../../processes/handshake-process.ts", import.meta.url);

const WARM_UP_MS = 500;
const WARM_UP_REQUESTS_EACH = 4;
export const HANDSHAKE_CONCURRENCY = 16;

export interface Scenario {
  protocol: "HTTP/1.1" | "HTTP/2";
  answer: "small" | "large";
  connections: number;
}

export function describeScenario({ protocol, answer, connections }: Scenario): string {
  const size = answer === "small" ? `${SMALL_JSON.length} bytes of JSON` : "64 KiB";
  return `requests, ${protocol}, ${size}, ${connections} ${connections === 1 ? "connection" : "connections"}`;
}

/** @throws Error when an answer is not the expected one */
export function measureRequests(
  ingress: Pick<Ingress, "url" | "port" | "identity">,
  scenario: Scenario,
  watched: Window["watched"],
  measureMs: number,
  smallPath = "/",
): Promise<Sample> {
  const [path, expectedBody] = scenario.answer === "small" ? [smallPath, SMALL_JSON] : [LARGE_PATH, LARGE_TEXT];
  const { connections } = scenario;
  const warmUpOperations = connections * WARM_UP_REQUESTS_EACH;
  const window = { warmUpMs: WARM_UP_MS, warmUpOperations, measureMs, watched, connections, expectedBody };
  const { identity } = ingress;
  if (scenario.protocol === "HTTP/1.1") {
    const input = { ...window, url: `${ingress.url}${path}`, hostname: HOSTNAME, ...(identity && { identity }) };
    return runChild<KeepAliveLoad, Sample>(KEEP_ALIVE, input);
  }
  if (identity === undefined) throw new TypeError(`HTTP/2 needs TLS, and "${ingress.url}" has none`);
  return runChild<Http2Load, Sample>(HTTP2, { ...window, port: ingress.port, path, identity });
}

/** Full handshakes, one after the other on each of a few connections at a time. */
export function measureHandshakes(
  { port, identity }: Pick<Ingress, "port" | "identity">,
  watched: Window["watched"],
  measureMs: number,
  servernames?: readonly string[],
): Promise<Sample> {
  if (identity === undefined) throw new TypeError(`port ${port} asks for no client certificates`);
  const load = { port, identity, servernames, concurrency: HANDSHAKE_CONCURRENCY, warmUpMs: WARM_UP_MS };
  return runChild<HandshakeLoad, Sample>(HANDSHAKES, { ...load, measureMs, watched });
}

/** Whose CPU time is read: whoever is in front, and the worker, which wrangler dev runs itself. */
export function watch({ key, pids }: Pick<Ingress, "key" | "pids">, { workerdPid }: TrivialWorker): Window["watched"] {
  return {
    ...(pids.length > 0 && { front: pids }),
    ...(workerdPid !== undefined && key !== "wrangler" && { worker: workerdPid }),
  };
}
