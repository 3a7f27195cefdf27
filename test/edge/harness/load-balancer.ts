/** An L4 load balancer on a real socket: it says whose connection it passes on, in the segments that a test wants. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { TestEdge } from "./edge.ts";

/** Writes the header and the first bytes of TLS to the edge. */
export type Segments = (edge: Socket, header: Buffer, hello: Buffer) => Promise<void>;

export const SEGMENTS: Record<string, Segments> = {
  "with the ClientHello in one segment": async (edge, header, hello) => {
    edge.write(Buffer.concat([header, hello]));
  },
  "in a segment of its own": async (edge, header, hello) => {
    await write(edge, header);
    await write(edge, hello);
  },
  "byte by byte, the ClientHello too": async (edge, header, hello) => {
    for (const byte of Buffer.concat([header, hello])) await write(edge, Buffer.from([byte]));
  },
  "cut within, its end with the ClientHello": async (edge, header, hello) => {
    await write(edge, header.subarray(0, 5));
    await write(edge, Buffer.concat([header.subarray(5), hello]));
  },
};

/** On the wire, and a turn for who reads it */
async function write(socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise((resolve) => socket.write(bytes, resolve));
  await nextTurn();
}

export interface LoadBalancer extends AsyncDisposable {
  /** As clients reach it through here */
  readonly edge: TestEdge;
}

export async function startLoadBalancer(
  edge: TestEdge,
  header: Buffer,
  segments: Segments = SEGMENTS["with the ClientHello in one segment"] as Segments,
): Promise<LoadBalancer> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const onward = connect({ port: edge.port, host: "127.0.0.1", noDelay: true });
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => [client, onward].map((one) => one.destroy()));
    }
    onward.pipe(client);
    client.once("data", (hello: Buffer) => {
      client.pause();
      void segments(onward, header, hello).then(() => client.pipe(onward));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    edge: { ...edge, port: (server.address() as AddressInfo).port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
