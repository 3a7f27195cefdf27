/**
 * The TCP connections of a listener. Handshakes that are not finished are bounded: when there are too many the oldest
 * gives way, since a client that means it is done within a few round trips, and one that is half way for longer is slow
 * or hostile. So a flood of half handshakes costs bounded memory, and does not shut others out.
 */
import type { Socket } from "node:net";

export interface Clients {
  readonly all: ReadonlySet<Socket>;
  add(socket: Socket): void;
  /** The handshake on `socket` is finished. */
  finishHandshake(socket: Socket): void;
  isHandshaking(socket: Socket): boolean;
  /** A request came on `socket`. */
  use(socket: Socket): void;
  /** Ends those of which no request came so far: handshakes under way, and what Node does not count as idle. */
  endUnused(): void;
}

export function createClients(handshakesMax: number): Clients {
  const all = new Set<Socket>();
  const unused = new Set<Socket>();
  /** The oldest first */
  const handshaking = new Set<Socket>();

  return {
    all,
    add(socket) {
      // Node keeps the address that was asked for once: the log needs it when the connection is gone.
      void socket.remoteAddress;
      const [oldest] = handshaking;
      if (oldest !== undefined && handshaking.size >= handshakesMax) {
        handshaking.delete(oldest);
        oldest.destroy();
      }
      for (const sockets of [all, unused, handshaking]) sockets.add(socket);
      socket.once("close", () => {
        for (const sockets of [all, unused, handshaking]) sockets.delete(socket);
      });
    },
    finishHandshake: (socket) => void handshaking.delete(socket),
    isHandshaking: (socket) => handshaking.has(socket),
    use: (socket) => void unused.delete(socket),
    endUnused() {
      for (const socket of unused) socket.destroy();
    },
  };
}
