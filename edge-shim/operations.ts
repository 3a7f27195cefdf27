/**
 * `/healthz`, `/readyz` and `/metrics`, over HTTP and open to whoever can reach them. Alive is who answers at all. Ready is
 * who may get traffic: an edge whose control plane is away stays ready, because it serves from its last good bundle, and
 * taking every edge out of the load balancer would make an outage of it; an edge whose key is refused is not, because
 * somebody shut it out.
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./metrics.ts";
import type { TrustSourceStatus } from "./trust/trust-source.ts";

export interface Readiness {
  trust: TrustSourceStatus;
  /** Version of the bundle in use */
  trustVersion: string;
  isClosing: boolean;
}

export interface OperationsAddress {
  host: string;
  /** 0 picks a free one */
  port: number;
}

export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws the system's error when the port cannot be had */
export async function startOperationsServer(
  address: OperationsAddress,
  readReadiness: () => Readiness | Promise<Readiness>,
  metrics: Pick<Metrics, "contentType" | "print">,
): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    if (request.url === "/metrics") {
      answerMetrics(response, metrics);
      return;
    }
    answer(request.url ?? "", readReadiness).then(([status, body]) => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(`${JSON.stringify(body)}\n`);
    });
  });
  await listen(server, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerMetrics(response: ServerResponse, metrics: Pick<Metrics, "contentType" | "print">): void {
  metrics.print().then(
    (text) => response.writeHead(200, { "content-type": metrics.contentType, "cache-control": "no-store" }).end(text),
    (error: Error) => response.writeHead(500, { "content-type": "text/plain" }).end(`${error.message}\n`),
  );
}

type Answer = [status: number, body: object];

async function answer(url: string, readReadiness: () => Readiness | Promise<Readiness>): Promise<Answer> {
  if (url === "/healthz") return [200, { status: "ok" }];
  if (url !== "/readyz") return [404, { status: "not found", hint: "there are /healthz, /readyz and /metrics" }];
  try {
    return describeReadiness(await readReadiness());
  } catch (error) {
    return [503, { status: "not ready", reason: (error as Error).message }];
  }
}

function describeReadiness({ trust, trustVersion, isClosing }: Readiness): Answer {
  const isReady = !isClosing && trust.state !== "refused";
  const status = isReady ? (trust.state === "current" ? "ready" : "degraded") : "not ready";
  return [isReady ? 200 : 503, { status, closing: isClosing, trust: { ...trust, version: trustVersion } }];
}

function listen(server: Server, { host, port }: OperationsAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
}
