/**
 * An HTTP proxy between edge and control plane that can be told to fail as a control plane, or something on the way to it,
 * fails. What it does is looked up for each request; the event stream passes, unless it says otherwise.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export type ControlFault =
  /** As if nobody listened, on open connections too */
  | { kind: "away" }
  /** Accepts, and is silent for ever: those connections never wake up again */
  | { kind: "hang" }
  /** Something else than the control plane's answer */
  | { kind: "answer"; status: number; body: string | Buffer; headers?: Record<string, string> }
  /** Ends its connection in the middle of the real answer */
  | { kind: "truncated" }
  /** As much JSON as somebody takes */
  | { kind: "endless" }
  /** The real answer, changed */
  | { kind: "changed"; change: (body: Answer, path: string) => Answer };

/** An index or documents, as JSON */
export type Answer = Record<string, unknown>;

export interface ControlProxy extends AsyncDisposable {
  readonly url: string;
  fault: ControlFault | undefined;
  /** Event streams that pass now */
  streams(): number;
  /** The most that was sent of one answer */
  longestAnswerBytes(): number;
  switch(fault: ControlFault | undefined): void;
}

const NOT_MODIFIED = 304;

export const ANSWERS_500: ControlFault = { kind: "answer", status: 500, body: '{"detail":"as the test wants it"}' };
export const REFUSES_KEY: ControlFault = { kind: "answer", status: 401, body: '{"detail":"no such key"}' };
export const GARBAGE: ControlFault = { kind: "answer", status: 200, body: '\u0000{"format":1,,,\u00ff\u00fe' };

const documentsIn = (answer: Answer) => (answer.documents ?? answer.accounts) as Answer[];

/** Changes documents wherever they are, and leaves the index as it is. */
export function changeDocuments(change: (documents: Answer[]) => Answer[]): ControlFault {
  return {
    kind: "changed",
    change(answer, path) {
      if (path.endsWith("/accounts")) return { accounts: change(documentsIn(answer)) };
      return answer.documents === undefined ? answer : { ...answer, documents: change(documentsIn(answer)) };
    },
  };
}

/** Changes the list of accounts, and leaves documents as they are. */
export function changeIndex(change: (accounts: Answer[]) => Answer[]): ControlFault {
  return {
    kind: "changed",
    change: (answer, path) =>
      path.endsWith("/accounts") ? answer : { ...answer, accounts: change(answer.accounts as Answer[]) },
  };
}

const ENDLESS_CHUNK = Buffer.from(`${JSON.stringify({ account: "endless", version: "1" })},`.repeat(1_000));

export async function startControlProxy(target: string): Promise<ControlProxy> {
  const sockets = new Set<Duplex>();
  const frozen = new Set<Duplex>();
  const streams = new Set<Duplex>();
  let longest = 0;
  const server = createServer();
  const proxy: ControlProxy = {
    url: "",
    fault: undefined,
    streams: () => [...streams].filter((socket) => !frozen.has(socket)).length,
    longestAnswerBytes: () => longest,
    switch(fault) {
      proxy.fault = fault;
      if (fault?.kind === "away") for (const socket of sockets) (socket as Socket).resetAndDestroy();
      if (fault?.kind === "hang") for (const socket of sockets) frozen.add(socket.pause());
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };

  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    if (proxy.fault?.kind === "away") socket.resetAndDestroy();
    // Read by nobody: what is sent to it is not even seen.
    if (proxy.fault?.kind === "hang") frozen.add(socket.pause());
  });
  server.on("request", (request, response) => {
    const { fault } = proxy;
    if (frozen.has(request.socket)) return;
    answer(fault, target, request, response).then(
      (bytes) => {
        longest = Math.max(longest, bytes);
      },
      () => response.destroy(),
    );
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (frozen.has(socket)) return;
    streams.add(socket);
    socket.on("close", () => streams.delete(socket));
    passUpgrade(target, request, { socket, head }, () => frozen.has(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(proxy, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** @returns bytes of the body that were sent */
async function answer(
  fault: ControlFault | undefined,
  target: string,
  { url = "/", headers }: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  switch (fault?.kind) {
    case "away":
    case "hang":
      return 0;
    case "answer":
      return send(response, fault.status, fault.body, fault.headers);
    case "endless":
      return sendEndlessly(response);
  }
  const { authorization = "", "if-none-match": known } = headers;
  // A fault that stays hidden behind "not modified" would be none.
  const isConditional = fault === undefined && known !== undefined;
  const answered = await fetch(new URL(url, target), {
    headers: { authorization, ...(isConditional && { "if-none-match": known }) },
  });
  const text = await answered.text();
  if (!answered.ok || fault === undefined) return send(response, answered.status, text);
  if (fault.kind === "changed") {
    return send(
      response,
      200,
      JSON.stringify(fault.change(JSON.parse(text) as Answer, url.split("?", 1)[0] as string)),
    );
  }
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.write(text.slice(0, text.length / 2), () => response.destroy());
  return text.length / 2;
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): number {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(status === NOT_MODIFIED ? undefined : body);
  return Buffer.byteLength(body);
}

async function sendEndlessly(response: ServerResponse): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let bytes = 0;
  const fill = () => {
    while (!response.destroyed) {
      bytes += ENDLESS_CHUNK.length;
      if (!response.write(ENDLESS_CHUNK)) return;
    }
  };
  response.on("drain", fill).on("close", () => resolve(bytes));
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"format":1,"version":"endless","accounts":[');
  fill();
  return promise;
}

function passUpgrade(
  target: string,
  { url, rawHeaders }: IncomingMessage,
  { socket, head }: { socket: Duplex; head: Buffer },
  isFrozen: () => boolean,
): void {
  const { hostname, port } = new URL(target);
  const control = connect(Number(port), hostname);
  const lines = [`GET ${url} HTTP/1.1`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  }
  control.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  control.write(head);
  control.on("data", (chunk: Buffer) => {
    if (!isFrozen()) socket.write(chunk);
  });
  socket.on("data", (chunk: Buffer) => control.write(chunk));
  control
    .on("error", () => {})
    .on("close", () => {
      if (!isFrozen()) socket.destroy();
    });
  socket.on("error", () => {}).on("close", () => control.destroy());
}
