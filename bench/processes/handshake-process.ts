/**
 * New TLS connections with a client certificate, one full handshake each: connect, finish the handshake, close, wait
 * until the server closed too. Under TLS 1.3 a client is done before the server has read its certificate; the
 * server's close comes after that, so a counted handshake is one that the server has finished as well.
 */
import { connect, createSecureContext, type SecureContext } from "node:tls";
import type { Sample } from "../measurement/sample.ts";
import { measureWindow, type Window } from "../measurement/window.ts";
import type { ClientIdentity } from "./client-identity.ts";
import { runAsChild } from "./run-as-child.ts";

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
        await shakeHands(load, context);
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

function shakeHands({ port, identity }: HandshakeLoad, secureContext: SecureContext): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: identity.servername,
      secureContext,
      ALPNProtocols: ["http/1.1"],
    });
    let failure: Error | undefined;
    let isComplete = false;
    socket.once("secureConnect", () => {
      isComplete = socket.authorized && !socket.isSessionReused();
      socket.end();
    });
    socket.once("error", (error) => {
      failure = error;
    });
    socket.once("close", () => {
      if (failure === undefined && isComplete) resolve();
      else reject(failure ?? new Error("the connection ended without a full handshake"));
    });
    socket.resume();
  });
}
