/**
 * Requests over HTTP/2, as many as the connections carry. h2load cannot present a client certificate in the version that
 * Debian has. Any answer that is not the expected one makes the whole measurement fail.
 */
import type { Sample } from "../measurement/sample.ts";
import type { Window } from "../measurement/window.ts";
import type { ClientIdentity } from "./client-identity.ts";
import { measureWithThreads } from "./load-threads.ts";
import { runAsChild } from "./run-as-child.ts";

export interface Http2Load extends Window {
  port: number;
  path: string;
  identity: ClientIdentity;
  connections: number;
  expectedBody: string;
}

const THREAD = new URL("./http2-thread.ts", import.meta.url);

runAsChild<Http2Load, Sample>(async (load) => ({ output: await measureWithThreads(THREAD, load, load.connections) }));
