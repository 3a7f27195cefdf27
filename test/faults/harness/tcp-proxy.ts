/**
 * A TCP proxy between edge and worker that can be told to fail as a worker fails. What it does with a connection is looked
 * up for each piece of an answer, so that a change meets connections that are open.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * `hang`: accepts and never answers again; `garbage`: answers with bytes that are no HTTP; `cut`: closes in the middle of
 * an answer; `refuse`: closes each connection as it comes.
 */
export type ProxyMode = "pass" | "hang" | "garbage" | "cut" | "refuse";

export interface TcpProxy extends AsyncDisposable {
  readonly url: string;
  /** Where new connections lead */
  target: string;
  /** Connections that are open now */
  open(): number;
  /** Back to `pass` ends what hangs, as a process that is started again does. */
  switch(mode: ProxyMode): void;
}

/** Of an answer: the headers and a part of the body */
const CUT_AFTER_BYTES = 4_000;
const GARBAGE = Buffer.from("\u0000\u0001 garbage \r\n\r\nHTTP/9.9 \u00ff\r\n: :\r\n\r\n", "latin1");

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  let mode: ProxyMode = "pass";
  const clients = new Set<Socket>();
  const hanging = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => accept(client));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: TcpProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    open: () => clients.size,
    switch(next) {
      mode = next;
      if (next === "refuse") for (const client of clients) client.resetAndDestroy();
      if (next !== "hang") for (const client of hanging) client.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };

  function accept(client: Socket): void {
    clients.add(client);
    client.on("error", () => {});
    if (mode === "refuse") client.resetAndDestroy();
    const { hostname, port } = new URL(proxy.target);
    const worker = connect({ port: Number(port), host: hostname, noDelay: true });
    worker.on("error", () => client.resetAndDestroy());
    worker.on("close", () => {
      if (!hanging.has(client)) client.destroy();
    });
    client.on("close", () => {
      clients.delete(client);
      hanging.delete(client);
      worker.destroy();
    });
    client.pipe(worker);
    let bytes = 0;
    worker.on("data", (chunk: Buffer) => {
      bytes = mode === "cut" ? bytes + chunk.length : 0;
      if (mode === "hang") hanging.add(client);
      if (hanging.has(client)) return;
      if (mode === "garbage") client.end(GARBAGE);
      else if (bytes > CUT_AFTER_BYTES) client.end(chunk.subarray(0, -100), () => client.destroy());
      else if (!client.write(chunk)) worker.pause();
    });
    client.on("drain", () => worker.resume());
  }

  return proxy;
}
