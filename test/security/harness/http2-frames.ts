/**
 * HTTP/2 by hand (RFC 9113), for what no client library would send: header fields as they are given, in HPACK's plainest
 * form (RFC 7541, section 6.2.2, literal without indexing, no Huffman code). Of answers the frames are read, and
 * bodies, not headers: every answer of ours says its status in its body, or is the handler's.
 */
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { type AskOptions, connectTls } from "../../edge/harness/client.ts";
import type { TestEdge } from "../../edge/harness/edge.ts";
import { until } from "../../edge/harness/until.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;
const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const FRAME_HEADER_BYTES = 9;

/** RFC 9113, section 7 */
export const PROTOCOL_ERROR = 1;

export type Field = readonly [name: string, value: string];

/** What became of a stream: an answer, its reset, or the end of the connection. */
export interface StreamOutcome {
  body: string;
  /** Error code of RST_STREAM */
  reset: number | undefined;
  /** Error code of GOAWAY, if the edge said so by then */
  goaway: number | undefined;
}

export interface FrameClient extends Disposable {
  /** Sends HEADERS, and DATA if there is a body; resolves when the edge is done with the stream. */
  request(fields: readonly Field[], body?: string): Promise<StreamOutcome>;
  readonly socket: TLSSocket;
}

export async function connectFrames(
  edge: TestEdge,
  options: Pick<AskOptions, "hostname" | "identity" | "tls"> = {},
): Promise<FrameClient> {
  const socket = await connectTls(edge, { ...options, tls: { ...options.tls, ALPNProtocols: ["h2"] } });
  const state = readFrames(socket);
  socket.write(PREFACE);
  socket.write(encodeFrame(TYPE.settings, 0, 0));
  let nextStream = 1;
  return {
    socket,
    async request(fields, body) {
      const id = nextStream;
      nextStream += 2;
      const flags = FLAG.endHeaders | (body === undefined ? FLAG.endStream : 0);
      socket.write(encodeFrame(TYPE.headers, flags, id, Buffer.concat(fields.map(encodeField))));
      if (body !== undefined) socket.write(encodeFrame(TYPE.data, FLAG.endStream, id, Buffer.from(body, "latin1")));
      await until(() => state.finished.has(id) || socket.closed || state.goaway !== undefined);
      // A stream that the GOAWAY lets through is still answered.
      if (!state.finished.has(id) && !socket.closed) await Promise.race([once(socket, "close"), state.streamEnd(id)]);
      return { body: state.bodies.get(id) ?? "", reset: state.resets.get(id), goaway: state.goaway };
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** The fields that every request has. */
export function requestFields(authority: string, path: string, method = "GET"): Field[] {
  return [
    [":method", method],
    [":scheme", "https"],
    [":authority", authority],
    [":path", path],
  ];
}

export function without(fields: readonly Field[], name: string): Field[] {
  return fields.filter(([other]) => other !== name);
}

interface FrameState {
  goaway: number | undefined;
  readonly bodies: Map<number, string>;
  readonly resets: Map<number, number>;
  readonly finished: Set<number>;
  streamEnd(id: number): Promise<void>;
}

function readFrames(socket: TLSSocket): FrameState {
  const state: FrameState = {
    goaway: undefined,
    bodies: new Map(),
    resets: new Map(),
    finished: new Set(),
    streamEnd: async (id) => void (await until(() => state.finished.has(id))),
  };
  let pending = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + pending.readUIntBE(0, 3);
      if (pending.length < end) return;
      takeFrame(state, socket, pending.subarray(0, end));
      pending = pending.subarray(end);
    }
  });
  return state;
}

function takeFrame(state: FrameState, socket: TLSSocket, frame: Buffer): void {
  const [type, flags] = [frame.readUInt8(3), frame.readUInt8(4)];
  const id = frame.readUInt32BE(5);
  const payload = frame.subarray(FRAME_HEADER_BYTES);
  if (type === TYPE.settings && (flags & FLAG.ack) === 0) socket.write(encodeFrame(TYPE.settings, FLAG.ack, 0));
  if (type === TYPE.data) state.bodies.set(id, (state.bodies.get(id) ?? "") + payload.toString());
  if (type === TYPE.reset) {
    state.resets.set(id, payload.readUInt32BE(0));
    state.finished.add(id);
  }
  if (type === TYPE.goaway) state.goaway = payload.readUInt32BE(4);
  if ((type === TYPE.data || type === TYPE.headers) && (flags & FLAG.endStream) !== 0) state.finished.add(id);
}

function encodeFrame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function encodeField([name, value]: Field): Buffer {
  return Buffer.concat([Buffer.of(0), encodeString(name), encodeString(value)]);
}

/** RFC 7541, section 5.2: a length with a 7-bit prefix, and the bytes as they are. */
function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([encodeLength(bytes.length), bytes]);
}

function encodeLength(length: number): Buffer {
  if (length < 127) return Buffer.of(length);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
