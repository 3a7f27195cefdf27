/**
 * mTLS connections that are kept open and idle: each asked for something once, so that what a server makes for a request
 * is there as well.
 */
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type { ClientIdentity } from "./client-identity.ts";
import { runAsChild } from "./run-as-child.ts";
import { SMALL_JSON } from "./worker-answers.ts";

export interface IdleLoad {
  port: number;
  /** Of loopback, from which the connections come: each address has ports of its own */
  localAddress: string;
  identity: ClientIdentity;
  connections: number;
}

export interface IdleReport {
  /** Connections that are still open */
  open: number;
}

/** Handshakes under way at any time */
const CONCURRENCY = 16;

runAsChild<IdleLoad, object>(async (load) => {
  const { ca, cert, key } = load.identity;
  const context = createSecureContext({ ca, cert, key });
  const sockets = new Set<TLSSocket>();
  let left = load.connections;

  async function keepOpening(): Promise<void> {
    while (left > 0) {
      left -= 1;
      const socket = await open(load, context);
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket)).resume();
    }
  }

  await Promise.all(Array.from({ length: CONCURRENCY }, keepOpening));
  return { output: {}, report: (): IdleReport => ({ open: sockets.size }) };
});

/** A connection after its first answer. @throws Error when there was none, or another one */
async function open({ port, localAddress, identity }: IdleLoad, secureContext: SecureContext): Promise<TLSSocket> {
  const { servername } = identity;
  const tcpSocket = connectTcp({ host: "127.0.0.1", port, localAddress });
  const socket = connect({ socket: tcpSocket, servername, secureContext });
  await once(socket, "secureConnect");
  socket.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\n\r\n`);
  let answer = "";
  while (!answer.includes(SMALL_JSON)) answer += String((await once(socket, "data"))[0]);
  if (!answer.startsWith("HTTP/1.1 200")) throw new Error(`an idle connection was answered ${answer.slice(0, 100)}`);
  return socket;
}
