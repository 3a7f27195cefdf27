/** New TLS connections with a client certificate, one full handshake each, as many as there can be. */
import { createSecureContext } from "node:tls";
import type { Sample } from "../measurement/sample.ts";
import { measureWindow, type Window } from "../measurement/window.ts";
import type { ClientIdentity } from "./client-identity.ts";
import { runAsChild } from "./run-as-child.ts";
import { shakeHands } from "./shake-hands.ts";

export interface HandshakeLoad extends Window {
  port: number;
  identity: ClientIdentity;
  /** Handshakes under way at any time */
  concurrency: number;
}

/** Each leaves a local port in TIME_WAIT for a minute, and there are about 28,000 of them. */
const HANDSHAKES_MAX = 8_000;

runAsChild<HandshakeLoad, Sample>(async (load) => {
  const context = createSecureContext({ ca: load.identity.ca, cert: load.identity.cert, key: load.identity.key });
  let finished = 0;
  let isEnding = false;
  let firstFailure: string | undefined;

  async function keepShakingHands(): Promise<void> {
    while (!isEnding && firstFailure === undefined && finished < HANDSHAKES_MAX) {
      try {
        await shakeHands({ port: load.port, servername: load.identity.servername, context });
        finished += 1;
      } catch (error) {
        firstFailure ??= (error as Error).message;
      }
    }
  }

  const workers = Array.from({ length: load.concurrency }, keepShakingHands);
  const measured = await measureWindow(load, () => finished);
  isEnding = true;
  await Promise.all(workers);
  if (firstFailure !== undefined) throw new Error(`a handshake failed: ${firstFailure}`);
  if (finished >= HANDSHAKES_MAX) throw new Error(`${HANDSHAKES_MAX} handshakes were over before the time was`);
  return { output: measured };
});
