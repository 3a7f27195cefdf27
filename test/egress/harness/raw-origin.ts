/** Origins that no server library would be: bytes over TLS or TCP by script, and TLS alerts of any kind. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, createServer as createTlsServer, TLSSocket, type TlsOptions } from "node:tls";
import { type AlertCode, encodeEncryptedAlert, encodePlainAlert } from "../../../fixtures/alb/fatal-alert.ts";
import { HandshakeGate } from "../../../fixtures/alb/handshake-gate.ts";
import type { Protocol } from "./origin.ts";
import type { TestPki } from "./pki.ts";

export interface RawOrigin extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string;
  readonly port: number;
  /** TCP connections so far */
  readonly connections: number;
  /** TCP connections that are open now */
  readonly sockets: ReadonlySet<Socket>;
  /** Stops listening and ends what is open; disposal does the same */
  close(): Promise<void>;
}

/** `onConnection` has the bare TCP connection. */
export function startTcpOrigin(onConnection: (socket: Socket) => unknown): Promise<RawOrigin> {
  return listen(createServer(onConnection));
}

/** `onSecure` has the connection after the handshake; the client's certificate is asked for and verified. */
export function startTlsOrigin(
  pki: TestPki,
  onSecure: (socket: TLSSocket) => unknown,
  tls: TlsOptions = {},
): Promise<RawOrigin> {
  const server = createTlsServer(
    {
      cert: pki.server.chainPem,
      key: pki.server.keyPem,
      ca: pki.clientCa.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
      ...tls,
    },
    onSecure,
  );
  server.on("secureConnection", (socket) => socket.on("error", () => {}));
  return listen(server);
}

/** The same by HTTP/1.1: answers each request's first bytes with `answer`. */
export function startAnsweringOrigin(pki: TestPki, answer: (socket: TLSSocket) => unknown): Promise<RawOrigin> {
  return startTlsOrigin(pki, (socket) => socket.once("data", () => answer(socket)));
}

/** Ends the TCP connection under `socket` with a reset. */
export function resetConnection(socket: Socket): void {
  (socket as Socket & { _parent?: Socket })._parent?.resetAndDestroy();
}

export interface RejectingOptions {
  alert: number;
  protocol: Protocol;
  version: "TLSv1.2" | "TLSv1.3";
  /** Under TLS 1.3: the alert of the first connection does not arrive, since the connection is reset behind it */
  losesFirstAlert?: boolean;
}

/** Refuses every client certificate with `alert`, in the place of the handshake where a server does so. */
export function startRejectingOrigin(pki: TestPki, options: RejectingOptions): Promise<RawOrigin> {
  const { alert, protocol, version } = options;
  let isLost = options.losesFirstAlert ?? false;
  const secureContext = createSecureContext({
    cert: pki.server.chainPem,
    key: pki.server.keyPem,
    minVersion: version,
    maxVersion: version,
  });
  return startTcpOrigin((connection) => {
    const gate = new HandshakeGate(connection);
    const tls = new TLSSocket(gate, {
      isServer: true,
      secureContext,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: [protocol === "HTTP/2" ? "h2" : "http/1.1"],
    });
    let secret = Buffer.alloc(0);
    tls.on("error", () => {});
    tls.on("keylog", (line: Buffer) => {
      const [label, , value = ""] = line.toString("latin1").trim().split(" ");
      if (label === "SERVER_TRAFFIC_SECRET_0") secret = Buffer.from(value, "hex");
    });
    tls.once("secure", () => {
      if (isLost) {
        isLost = false;
        tls.once("data", () => connection.resetAndDestroy());
        return;
      }
      const { standardName } = tls.getCipher();
      const code = alert as AlertCode;
      gate.shut(version === "TLSv1.2" ? encodePlainAlert(code) : encodeEncryptedAlert(code, standardName, secret));
      tls.destroy();
    });
  });
}

async function listen(server: Server): Promise<RawOrigin> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return {
    port,
    url: `https://localhost:${port}`,
    sockets,
    get connections() {
      return connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
