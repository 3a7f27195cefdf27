/**
 * TLS clients whose ClientHello comes in pieces: cut into TLS records (RFC 8446, section 5.1, allows it), and each piece
 * sent as a TCP segment of its own. A proxy that looks for the server name in the first packet finds none.
 */
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { TestEdge } from "../../edge/harness/edge.ts";

const RECORD_HEADER_BYTES = 5;

export interface Cut {
  /** Bytes of the ClientHello that one TLS record has */
  recordBytes: number;
  /** Bytes that one TCP segment has */
  segmentBytes: number;
}

/** `edge` behind something that cuts every ClientHello on its way there. */
export async function startCutter(edge: TestEdge, cut: Cut): Promise<TestEdge> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    const tcp = connectTcp({ port: edge.port, host: "127.0.0.1", noDelay: true });
    tcp.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.on("error", () => tcp.destroy()).on("close", () => tcp.destroy());
    tcp.pipe(client);
    client.once("data", async (hello) => {
      client.pause();
      for (const segment of cutInto(cutRecord(hello, cut.recordBytes), cut.segmentBytes)) {
        tcp.write(segment);
        await nextTurn();
      }
      client.pipe(tcp);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ...edge,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** One handshake record as several. */
function cutRecord(record: Buffer, recordBytes: number): Buffer {
  const [header, content] = [record.subarray(0, RECORD_HEADER_BYTES), record.subarray(RECORD_HEADER_BYTES)];
  if (content.length !== header.readUInt16BE(3)) throw new Error("a ClientHello was expected, alone in its record");
  const records = cutInto(content, recordBytes).map((piece) => {
    const pieceHeader = Buffer.from(header);
    pieceHeader.writeUInt16BE(piece.length, 3);
    return Buffer.concat([pieceHeader, piece]);
  });
  return Buffer.concat(records);
}

function cutInto(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}
