/**
 * Half a TLS 1.2 handshake by hand. No library presents bytes that are no certificate; up to that message TLS 1.2 is
 * plain text, so that a recorded ClientHello and one record of our own will do.
 */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { HOST, type TestEdge } from "./edge.ts";
import { until } from "./until.ts";

export const TLS_ALERT = 0x15;
const TLS_HANDSHAKE = 0x16;
const CERTIFICATE = 0x0b;
const SERVER_HELLO_DONE = Buffer.from("0e000000", "hex");

/** Presents `certificate` as the client's leaf and gives everything that the edge sent until it closed. */
export async function presentBytes(edge: TestEdge, certificate: Buffer): Promise<Buffer> {
  const { socket, received } = await openTcp(edge);
  socket.write(await recordClientHello({ servername: HOST, maxVersion: "TLSv1.2" }));
  await until(() => received().subarray(-SERVER_HELLO_DONE.length).equals(SERVER_HELLO_DONE));
  const list = withLength(3, certificate.length === 0 ? certificate : withLength(3, certificate));
  const message = Buffer.concat([Buffer.from([CERTIFICATE]), withLength(3, list)]);
  socket.write(Buffer.concat([Buffer.from([TLS_HANDSHAKE, 3, 3]), withLength(2, message)]));
  // An empty list is a client without a certificate: let the edge go on, and fail on what never comes.
  if (certificate.length === 0) socket.end(Buffer.from([TLS_HANDSHAKE, 3, 3, 0, 4, 99, 0, 0, 0]));
  if (!socket.closed) await once(socket, "close");
  return received();
}

/** A TCP connection to the edge, and what came over it so far. @param from another address of this machine */
export async function openTcp(edge: TestEdge, from = "127.0.0.1"): Promise<{ socket: Socket; received: () => Buffer }> {
  const socket = connectTcp({ port: edge.port, host: "127.0.0.1", localAddress: from });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  await once(socket, "connect");
  return { socket, received: () => Buffer.concat(chunks) };
}

/** The first bytes that Node's client would send. */
export async function recordClientHello(options: ConnectionOptions): Promise<Buffer> {
  const sent: Buffer[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      sent.push(chunk);
      callback();
    },
  });
  const client = connectTls({ ...options, socket: wire });
  client.on("error", () => {});
  await until(() => sent.length > 0);
  client.destroy();
  return Buffer.concat(sent);
}

function withLength(lengthBytes: number, content: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([length, content]);
}
