/**
 * A control plane by script: answers with the index and the documents that a test put there, pushes when the test says
 * so, and notes what edges asked for. What the real one does is tested in test/control and test/system.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { AccountTrust, TrustBundle, TrustBundleIndex } from "../../../src/contract/trust-bundle.ts";
import { until } from "./until.ts";
import { acceptWebSocket, writeFrame } from "./websocket-server.ts";

export interface ScriptedControlPlane extends AsyncDisposable {
  readonly url: string;
  /** What it would answer now */
  bundle: TrustBundle;
  /** Path and query of each request for an index or documents, in order */
  readonly asked: string[];
  /** Called before an index or documents are answered; an answer that it returns is sent in their place */
  intercept: (path: string, names: string[]) => unknown;
  /** Sends an event to all edges that listen, once there is one. */
  push(event: object): Promise<void>;
  /** How many edges listen now */
  listeners(): number;
}

export async function startControlPlane(initial: TrustBundle): Promise<ScriptedControlPlane> {
  const sockets = new Set<Duplex>();
  const server = createServer();
  const control: ScriptedControlPlane = {
    url: "",
    bundle: initial,
    asked: [],
    intercept: () => undefined,
    listeners: () => sockets.size,
    async push(event) {
      await until(() => sockets.size > 0);
      for (const socket of sockets) writeFrame(socket, "text", Buffer.from(JSON.stringify(event)));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    acceptWebSocket(request, socket);
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.resume();
  });
  server.on("request", (request, response) => {
    answer(control, request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(control, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function answer(
  control: ScriptedControlPlane,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? "";
  control.asked.push(path);
  const { pathname, searchParams } = new URL(path, control.url);
  const names = searchParams.getAll("account");
  const intercepted = await control.intercept(pathname, names);
  const { bundle } = control;
  if (intercepted === undefined && request.headers["if-none-match"] === `"${bundle.version}"`) {
    response.writeHead(304).end();
    return;
  }
  const documents = documentsOf(bundle, names);
  const present = pathname.endsWith("/accounts")
    ? { accounts: documents }
    : { ...indexOf(bundle), ...(names.length > 0 && { documents }) };
  response.setHeader("content-type", "application/json").end(JSON.stringify(intercepted ?? present));
}

export function indexOf({ format, version, accounts }: TrustBundle): TrustBundleIndex {
  return {
    format,
    version,
    accounts: accounts.map((document) => ({ account: document.account, version: document.version })),
  };
}

export function documentsOf({ accounts }: TrustBundle, names: readonly string[]): AccountTrust[] {
  return accounts.filter(({ account }) => names.includes(account));
}
