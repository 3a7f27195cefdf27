/** The server side of RFC 6455, as much as a test needs: echoes messages of one frame, answers pings and closes. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPCODE = { text: 1, binary: 2, close: 8 } as const;
const FINAL = 0x80;

interface Frame {
  opcode: number;
  payload: Buffer;
  /** Bytes of the frame on the wire */
  length: number;
}

/** For `Upstream.onUpgrade`: echoes; the message `close <code> <reason>` makes the server close with these. */
export function echoWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  acceptWebSocket(request, socket);
  socket.on("end", () => socket.end());
  let received = head;
  const readFrames = () => {
    for (let frame = readFrame(received); frame !== undefined; frame = readFrame(received)) {
      received = received.subarray(frame.length);
      answerFrame(socket, frame);
    }
  };
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    readFrames();
  });
  readFrames();
}

/** @param headers further header lines of the 101 answer */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, headers: string[] = []): void {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${ACCEPT_GUID}`).digest("base64");
  const [protocol] = request.headers["sec-websocket-protocol"]?.split(", ") ?? [];
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "connection: Upgrade",
    "upgrade: websocket",
    `sec-websocket-accept: ${accept}`,
    ...(protocol === undefined ? [] : [`sec-websocket-protocol: ${protocol}`]),
    ...headers,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

export function writeFrame(socket: Duplex, opcode: keyof typeof OPCODE, payload: Buffer): void {
  const header = Buffer.alloc(10);
  header[0] = FINAL | OPCODE[opcode];
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  // The shortest form is the only one allowed (section 5.2).
  if (payload.length > 0xffff) socket.write(header);
  else if (payload.length < 126) socket.write(Buffer.from([FINAL | OPCODE[opcode], payload.length]));
  else socket.write(Buffer.from([FINAL | OPCODE[opcode], 126, payload.length >> 8, payload.length & 0xff]));
  socket.write(payload);
}

function answerFrame(socket: Duplex, { opcode, payload }: Frame): void {
  const [, code, reason = ""] = /^close (\d+) ?(.*)$/.exec(opcode === OPCODE.text ? payload.toString() : "") ?? [];
  if (opcode === OPCODE.close) {
    writeFrame(socket, "close", payload);
    socket.end();
  } else if (code !== undefined) {
    writeFrame(
      socket,
      "close",
      Buffer.concat([Buffer.from([Number(code) >> 8, Number(code) & 0xff]), Buffer.from(reason)]),
    );
  } else writeFrame(socket, opcode === OPCODE.binary ? "binary" : "text", payload);
}

/** The first frame of `bytes`, which a client has masked; undefined while it is not complete. */
function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + lengthBytes + 4;
  if (bytes.length < start) return undefined;
  const payloadLength =
    lengthBytes === 0 ? short : Number(bytes.readUIntBE(lengthBytes === 8 ? 4 : 2, lengthBytes === 8 ? 6 : 2));
  if (bytes.length < start + payloadLength) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = Buffer.from(bytes.subarray(start, start + payloadLength)).map(
    (byte, index) => byte ^ (mask[index % 4] ?? 0),
  );
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: Buffer.from(payload), length: start + payloadLength };
}
