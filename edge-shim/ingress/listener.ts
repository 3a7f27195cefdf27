/**
 * The TLS listener: HTTP/1.1 and HTTP/2 on one port. It asks every client for a certificate and ends no handshake for
 * a bad one: the route decides, over HTTP, where a client can be told why.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type SecureServerOptions,
  type ServerHttp2Session,
} from "node:http2";
import type { BlockList, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { PROBLEMS, type ProblemCode } from "../../src/contract/problem.ts";
import type { HttpRequest, HttpResponse } from "../forwarding/messages.ts";
import { createUpgradeResponse, findUnfinishedAnswer, isWebSocketRequest } from "../forwarding/websocket.ts";
import { readClientAddress, tcpSocketOf } from "./client-address.ts";
import { type Clients, createClients } from "./clients.ts";
import { type ConnectionEnvironment, IngressConnection } from "./connection.ts";
import type { IngressLimits } from "./limits.ts";
import { serveInTurn } from "./pipelining.ts";
import { expectProxyHeaders, isHealthCheck } from "./proxied-connections.ts";
import { serveUnlessReset } from "./rapid-reset.ts";
import { type ExchangeOptions, IngressExchange, type RequestEnvironment } from "./request.ts";
import type { ServerCertificate } from "./server-certificates.ts";
import { CONTEXT_OPTIONS, type ServerNameCallback } from "./server-name.ts";

/** How often a listener that is closing looks for connections that have become idle */
const CLOSE_POLL_MS = 50;

const connectionOfSocket = Symbol("ingress connection");
type IngressSocket = Duplex & {
  [connectionOfSocket]?: IngressConnection;
};

export interface ListenerEnvironment extends ConnectionEnvironment, RequestEnvironment {
  readonly chooseContext: ServerNameCallback;
  /** Shown to clients that send no server name */
  readonly fallbackCertificate: ServerCertificate;
  /** Load balancers, whose connections begin with a PROXY header, and nobody else's are taken; undefined: no headers */
  readonly proxyProtocolPeers: BlockList | undefined;
}

export interface Listener {
  readonly server: Http2SecureServer;
  /** Takes no new connection, answers what is under way for at most `drainMs`, then cuts the rest. */
  close(drainMs: number): Promise<void>;
}

export function createListener(environment: ListenerEnvironment): Listener {
  const server = createSecureServer(listenerOptions(environment)) as HttpUpgradeServer;
  const clients = createClients(environment.limits.handshakesMax);
  server.maxConnections = environment.limits.connectionsMax;
  acceptConnections(server, clients, environment);
  let isClosing = false;
  judgeHandshakes(server, clients, environment);
  serveRequests(server, environment, function handle(request, response, options) {
    const connection = (request.socket as unknown as IngressSocket)[connectionOfSocket];
    clients.use(tcpSocketOf(request.socket as TLSSocket));
    // Fail closed: a request whose connection nobody judged is not served.
    if (connection === undefined) {
      request.socket.destroy();
      return;
    }
    response.on("error", () => response.destroy());
    serveInTurn(connection, request, response, () => {
      if (isClosing && !("stream" in response)) response.shouldKeepAlive = false;
      new IngressExchange(environment, connection, request, response).handle(options);
    });
  });
  return {
    server,
    async close(drainMs) {
      isClosing = true;
      environment.upgraded.close();
      await drain(server, clients, drainMs);
    },
  };
}

function acceptConnections(server: HttpUpgradeServer, clients: Clients, environment: ListenerEnvironment): void {
  const { proxyProtocolPeers: allowedPeers, log, limits } = environment;
  if (allowedPeers === undefined) server.on("connection", clients.add);
  else expectProxyHeaders(server, { allowedPeers, clients, log, handshakeTimeoutMs: limits.handshakeTimeoutMs });
}

function judgeHandshakes(server: HttpUpgradeServer, clients: Clients, environment: ListenerEnvironment): void {
  server.prependListener("secureConnection", (socket: TLSSocket) => {
    clients.finishHandshake(tcpSocketOf(socket));
    try {
      const connection = new IngressConnection(socket, environment);
      (socket as IngressSocket)[connectionOfSocket] = connection;
      environment.log.handshakeFinished(connection.verdict);
    } catch (error) {
      environment.log.failure("a TLS connection could not be judged", error);
      socket.destroy();
    }
  });
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    const tcpSocket = tcpSocketOf(socket);
    if (isHealthCheck(tcpSocket)) return;
    environment.log.handshakeFailed(readClientAddress(tcpSocket), String(socket.servername || ""), error);
  });
}

type RequestHandler = (request: HttpRequest, response: HttpResponse, options?: ExchangeOptions) => void;

function serveRequests(server: HttpUpgradeServer, environment: ListenerEnvironment, handle: RequestHandler): void {
  // `keepAliveTimeout` is about HTTP/1.1 only. Streams that are open go on to their end.
  server.on("session", (session) => {
    session.setTimeout(environment.limits.keepAliveTimeoutMs, () => session.close());
  });
  server.on("request", (request, response) => serveUnlessReset(request, response, () => handle(request, response)));
  server.on("checkContinue", (request, response) =>
    serveUnlessReset(request, response, () => handle(request, response, { expectsContinue: true })),
  );
  server.maxHeadersCount = environment.limits.headersMaxCount;
  server.shouldUpgradeCallback = isWebSocketRequest;
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Its answer would go out among those of the requests before it.
    if (findUnfinishedAnswer(socket) !== undefined) socket.destroy();
    else handle(request, createUpgradeResponse(request, socket), { upgrade: { socket, head } });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) =>
    refuseUnreadable(environment, error, socket),
  );
}

async function drain(server: HttpUpgradeServer, clients: Clients, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  server.close();
  clients.endUnused();
  const poll = setInterval(() => server.closeIdleConnections(), CLOSE_POLL_MS);
  const limit = setTimeout(() => {
    for (const socket of clients.all) socket.destroy();
  }, drainMs);
  await closed;
  clearInterval(poll);
  clearTimeout(limit);
}

/** What Node's HTTP/2 server with `allowHTTP1` has beyond its type declarations. */
interface HttpUpgradeServer extends Http2SecureServer {
  shouldUpgradeCallback: (request: IncomingMessage) => boolean;
  maxHeadersCount: number;
  closeIdleConnections(): void;
  on(event: "tlsClientError", listener: (error: Error, socket: TLSSocket) => void): this;
  on(event: "connection", listener: (socket: Socket) => void): this;
  on(event: "session", listener: (session: ServerHttp2Session) => void): this;
  on(event: "clientError", listener: (error: NodeJS.ErrnoException, socket: Duplex) => void): this;
  on(event: "upgrade", listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): this;
  on(event: string, listener: (...parameters: never[]) => void): this;
}

function listenerOptions({ limits, chooseContext, fallbackCertificate }: ListenerEnvironment): SecureServerOptions {
  const options: SecureServerOptions & HttpOneOptions = {
    ...CONTEXT_OPTIONS,
    cert: fallbackCertificate.certificatePem,
    key: fallbackCertificate.keyPem,
    // Without a server name no CA set applies. An empty list is that; leaving it out would trust the system's roots.
    ca: [],
    SNICallback: chooseContext as NonNullable<SecureServerOptions["SNICallback"]>,
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: limits.handshakeTimeoutMs,
    allowHTTP1: true,
    // `node:https` sets it by itself. Without it the end of a longer answer waits for the client's delayed ACK: 40 ms.
    noDelay: true,
    settings: { maxConcurrentStreams: limits.http2StreamsMax, enableConnectProtocol: false },
    streamResetBurst: limits.http2ResetsBurst,
    streamResetRate: limits.http2ResetsPerSecond,
    // Past this Node resets the stream; up to it request.ts can answer.
    maxHeaderListPairs: limits.headersMaxCount * 10,
    maxHeaderSize: limits.headersMaxBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, 1_000),
  };
  return options;
}

/** Options of `node:http` that the server reads for its HTTP/1.1 half; the types of `node:http2` leave them out. */
interface HttpOneOptions {
  maxHeaderSize: number;
  headersTimeout: number;
  requestTimeout: number;
  keepAliveTimeout: number;
  connectionsCheckingInterval: number;
}

const CLIENT_ERRORS: Record<string, { code: ProblemCode; detail: (limits: IngressLimits) => string }> = {
  HPE_HEADER_OVERFLOW: {
    code: "headers_too_large",
    detail: (limits) => `request line and headers together are larger than ${limits.headersMaxBytes} bytes`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: { code: "request_timeout", detail: () => "the request did not arrive in time" },
};

/** Bytes that the HTTP/1.1 parser refuses. The connection ends: nobody knows where the next request would begin. */
function refuseUnreadable(environment: ListenerEnvironment, error: NodeJS.ErrnoException, socket: Duplex): void {
  const { [connectionOfSocket]: connection } = socket as IngressSocket;
  const answer = findUnfinishedAnswer(socket);
  if (answer?.req.complete && !answer.headersSent) {
    // What cannot be read came after that request: it gets its own answer, which is the last.
    answer.shouldKeepAlive = false;
    return;
  }
  // In the middle of an answer a second one would be taken for a part of it.
  const isAnswering = answer?.headersSent === true;
  if (connection === undefined || isAnswering || error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = CLIENT_ERRORS[error.code ?? ""];
  const code = known?.code ?? "bad_request";
  const requestId = randomUUID();
  environment.log.requestRefused({ requestId, connection, status: PROBLEMS[code].status, reason: error.message });
  environment.problems.respondRaw(socket, {
    code,
    requestId,
    detail: known?.detail(environment.limits) ?? "the request is not valid HTTP",
    explanation: { reason: error.message, hint: "send a request as RFC 9112 defines it" },
  });
}
