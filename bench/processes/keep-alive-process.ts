/// <reference path="./autocannon.d.ts" />
/**
 * Requests on kept-alive connections, as many as they carry: each connection sends its next request when the answer to
 * the last one is there (autocannon). Any answer that is not the expected one makes the whole measurement fail.
 */
import autocannon from "autocannon";
import { createLatencies } from "../measurement/latencies.ts";
import type { Sample } from "../measurement/sample.ts";
import { measureWindow, type Window } from "../measurement/window.ts";
import type { ClientIdentity } from "./client-identity.ts";
import { runAsChild } from "./run-as-child.ts";

export interface KeepAliveLoad extends Window {
  url: string;
  /** Sent as Host */
  hostname: string;
  connections: number;
  expectedBody: string;
  /** For `https:` */
  identity?: ClientIdentity;
}

/** autocannon's own limit, for the case that nobody ends this process */
const SPARE_SECONDS = 5;

runAsChild<KeepAliveLoad, Sample>(async (load) => {
  const latencies = createLatencies();
  let answers = 0;
  let firstFailure: string | undefined;
  const { servername, ...tlsOptions } = load.identity ?? {};
  const instance = autocannon(
    {
      url: load.url,
      connections: load.connections,
      duration: Math.ceil((load.warmUpMs + load.measureMs) / 1_000) + SPARE_SECONDS,
      headers: { host: load.hostname },
      expectBody: load.expectedBody,
      ...(servername === undefined ? {} : { servername, tlsOptions }),
    },
    () => undefined,
  );
  instance.on("response", (_client, status, _bytes, milliseconds) => {
    answers += 1;
    latencies.add(milliseconds);
    if (status !== 200) firstFailure ??= `status ${status}`;
  });
  instance.on("reqError", (error) => {
    firstFailure ??= error.message;
  });
  instance.on("reqMismatch", (body) => {
    firstFailure ??= `the answer ${JSON.stringify(body.slice(0, 100))}`;
  });
  const measured = await measureWindow(load, () => answers, latencies.clear);
  if (firstFailure !== undefined) throw new Error(`"${load.url}" failed under load: ${firstFailure}`);
  return { output: { ...measured, latencyMs: latencies.summarize() } };
});
