/** New TLS connections with a client certificate, one full handshake each, as many as there can be. */
import type { Sample } from "../measurement/sample.ts";
import type { Window } from "../measurement/window.ts";
import type { ClientIdentity } from "./client-identity.ts";
import { measureWithThreads } from "./load-threads.ts";
import { runAsChild } from "./run-as-child.ts";

export interface HandshakeLoad extends Window {
  port: number;
  identity: ClientIdentity;
  /** Taken in turn as SNI instead of the identity's */
  servernames?: readonly string[] | undefined;
  /** Handshakes under way at any time */
  concurrency: number;
}

const THREAD = new URL("./handshake-thread.ts", import.meta.url);

runAsChild<HandshakeLoad, Sample>(async (load) => ({
  output: await measureWithThreads(THREAD, load, load.concurrency),
}));
