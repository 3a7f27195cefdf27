/**
 * One full TLS handshake: connect, finish it, close, wait until the server closed too. Under TLS 1.3 a client is done
 * before the server has read its certificate; the server's close comes after that, so it has finished as well.
 */
import { connect, type SecureContext } from "node:tls";

export interface HandshakeTarget {
  port: number;
  /** Sent as SNI */
  servername: string;
  /** The client's certificate, and the CA that the server's must come from */
  context: SecureContext;
}

/** @throws Error when it failed, or took an earlier session up */
export function shakeHands({ port, servername, context }: HandshakeTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername,
      secureContext: context,
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

/** Handshakes under way at any time */
const CONCURRENCY = 16;

/** One handshake with each of `servernames`. @throws Error with the first that failed */
export async function shakeHandsWithEach(
  servernames: readonly string[],
  target: Omit<HandshakeTarget, "servername">,
): Promise<void> {
  const left = servernames.values();
  const visit = async () => {
    for (const servername of left) await shakeHands({ ...target, servername });
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, visit));
}
