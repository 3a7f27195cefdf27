/** A DNS server with TXT records that a test sets: one question, one answer (RFC 1035, section 4). */
import { createSocket } from "node:dgram";

const HEADER_BYTES = 12;
const TXT = 16;
const INTERNET = 1;
const RESPONSE_AUTHORITATIVE = 0x8580;
const NXDOMAIN = 3;
/** The name is the one of the question, which begins after the header (section 4.1.4) */
const NAME_POINTER = 0xc000 | HEADER_BYTES;

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly records: Map<string, string>;
}

export async function startDnsServer(): Promise<DnsServer> {
  const records = new Map<string, string>();
  const socket = createSocket("udp4");
  socket.on("message", (query, sender) => socket.send(answer(query, records), sender.port, sender.address));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

function answer(query: Buffer, records: ReadonlyMap<string, string>): Buffer {
  const { name, end } = readName(query);
  const text = query.readUInt16BE(end) === TXT ? records.get(name.toLowerCase()) : undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(RESPONSE_AUTHORITATIVE | (text === undefined ? NXDOMAIN : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(text === undefined ? 0 : 1, 6);
  const question = query.subarray(HEADER_BYTES, end + 4);
  return Buffer.concat([header, question, ...(text === undefined ? [] : [encodeTxt(text)])]);
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let offset = HEADER_BYTES;
  for (let length = query[offset] ?? 0; length > 0; length = query[offset] ?? 0) {
    labels.push(query.toString("latin1", offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  return { name: labels.join("."), end: offset + 1 };
}

function encodeTxt(text: string): Buffer {
  const data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const record = Buffer.alloc(HEADER_BYTES);
  record.writeUInt16BE(NAME_POINTER, 0);
  record.writeUInt16BE(TXT, 2);
  record.writeUInt16BE(INTERNET, 4);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}
