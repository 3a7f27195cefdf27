/**
 * The egress: an HTTP listener on loopback or a unix socket that workers send requests to, and that sends them on to
 * origins with a named client certificate. Not an open proxy: every request needs the token of its project (token.ts),
 * goes to an `https:` target (target.ts) at an address that is allowed (addresses.ts), and presents a certificate
 * (certificates.ts).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { environmentTypeOf } from "../../src/contract/egress.ts";
import { createUpgradeResponse, findUnfinishedAnswer, isWebSocketRequest } from "../forwarding/websocket.ts";
import type { TrustStore } from "../trust/trust-store.ts";
import { createAddressRules } from "./addresses.ts";
import { createCertificateFinder } from "./certificates.ts";
import type { EgressLog } from "./egress-log.ts";
import { EgressExchange, type ExchangeEnvironment } from "./exchange.ts";
import { refuseUnreadable } from "./failure-message.ts";
import { DEFAULT_EGRESS_LIMITS, type EgressLimits } from "./limits.ts";
import { createOriginPools } from "./origin-pools.ts";
import { createEgressTokens } from "./token.ts";

/** A port of loopback, where 0 picks a free one; or the path of a unix socket, in a folder of this user alone. */
export type EgressAddress = { port: number } | { path: string };

export interface EgressOptions {
  listen: EgressAddress;
  /** 32 random bytes or more, known to this edge alone */
  secret: Uint8Array;
  /** Networks that are loopback or link-local and may be connected to all the same: `127.0.0.0/8` */
  allowedNetworks: readonly string[];
  limits?: Partial<EgressLimits>;
}

export interface EgressSurroundings {
  trust: TrustStore;
  environment: string;
  log: EgressLog;
  tracing?: ExchangeEnvironment["tracing"];
  /** Milliseconds since the epoch */
  clock: () => number;
}

export interface Egress {
  /** `http://127.0.0.1:<port>`, or `unix:<path>`, as workerd writes such addresses */
  readonly url: string;
  /** For the worker of `project`, given as `account/project` */
  issueToken(project: string): string;
  /** Ends everything at once: to be called when no worker has requests under way any more. */
  close(): Promise<void>;
}

/** Workers keep connections for seconds; whoever closes first never writes to a closed one, and that is the worker. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;

/** @throws TypeError for options that cannot be; the system's error when the address cannot be had */
export async function startEgress(
  { secret, allowedNetworks, ...options }: EgressOptions,
  { trust, environment, log, clock, tracing }: EgressSurroundings,
): Promise<Egress> {
  const limits = { ...DEFAULT_EGRESS_LIMITS, ...options.limits };
  const tokens = createEgressTokens(secret);
  const findCertificate = createCertificateFinder((name) => trust.findAccount(name), environmentTypeOf(environment));
  const pools = createOriginPools(findCertificate, createAddressRules(allowedNetworks), limits);
  const sockets = new Set<Socket>();
  const server = createEgressServer(limits, { tokens, findCertificate, pools, log, clock, tracing });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  trust.onChange(() => pools.review());
  await listen(server, options.listen);
  const address = server.address() as AddressInfo | string;
  return {
    url: typeof address === "string" ? `unix:${address}` : `http://127.0.0.1:${address.port}`,
    issueToken: (project) => tokens.issue(project),
    async close() {
      pools.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        // Not closeAllConnections: Node forgets a socket that asked for an upgrade.
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

function createEgressServer({ headersMaxBytes }: EgressLimits, environment: ExchangeEnvironment): Server {
  const options = { maxHeaderSize: headersMaxBytes, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS };
  // Whatever Node would refuse by itself would look like an answer of the origin.
  const server = createServer({ ...options, requireHostHeader: false, shouldUpgradeCallback: isWebSocketRequest });
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    new EgressExchange(environment, request, response).handle();
  server.on("request", handle);
  server.on("checkExpectation", handle);
  server.on("clientError", refuseUnreadable);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Its answer would go out among those of the requests before it, and Node would throw.
    if (findUnfinishedAnswer(socket) !== undefined) socket.destroy();
    else new EgressExchange(environment, request, createUpgradeResponse(request, socket)).handle({ socket, head });
  });
  return server;
}

function listen(server: Server, address: EgressAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", ...address }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
