/** A TCP connection's way to an origin, closed until a test opens it: so that handshakes wait. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Gate extends AsyncDisposable {
  /** `https://localhost:<port>`, in the place of the origin's own */
  readonly url: string;
  /** TCP connections that came so far */
  readonly arrivals: number;
  /** Bytes pass from now on, also those that came before */
  open(): void;
}

/** @param originPort asked for each connection that passes */
export async function startGate(originPort: () => number): Promise<Gate> {
  const sockets = new Set<Socket>();
  const opened = Promise.withResolvers<void>();
  let arrivals = 0;
  const server = createServer((socket) => {
    arrivals += 1;
    keep(socket);
    socket.pause();
    void opened.promise.then(() => {
      if (socket.destroyed) return;
      const origin = keep(connect(originPort(), "127.0.0.1"));
      socket.pipe(origin).pipe(socket);
      socket.once("close", () => origin.destroy());
      origin.once("close", () => socket.destroy());
    });
  });
  const keep = (socket: Socket) => {
    sockets.add(socket);
    return socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    get arrivals() {
      return arrivals;
    },
    open: () => opened.resolve(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
