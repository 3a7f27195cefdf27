/** What stands behind the origins: tells what came through them, gives something large, and echoes WebSockets. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { echoWebSocket } from "../edge/harness/websocket-server.ts";
import { SUBJECT_HEADER } from "./origins/origin.ts";

/** What it answers with, as JSON */
export interface Received {
  method: string;
  /** As the origin told it */
  subject: string;
  bytes: number;
  sha256: string;
}

export interface Upstream extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** SHA-256 of what `GET /upstream/large` answers with: 5 MiB of text */
  readonly largeSha256: string;
  /** What came with a body or without one, in order, but for the large answers */
  readonly received: readonly Received[];
}

const LARGE_BYTES = 5 * 1024 * 1024;

export function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

export async function startUpstream(): Promise<Upstream> {
  const large = randomBytes(LARGE_BYTES / 2).toString("hex");
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === "/upstream/large") response.end(large);
    else received.push(await tell(request, response));
  });
  server.on("upgrade", echoWebSocket);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    largeSha256: sha256(large),
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function tell(request: IncomingMessage, response: ServerResponse): Promise<Received> {
  const body = await buffer(request);
  const received: Received = {
    method: request.method ?? "",
    subject: String(request.headers[SUBJECT_HEADER]),
    bytes: body.length,
    sha256: sha256(body),
  };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(received));
  return received;
}
