/**
 * `/healthz`, `/readyz` and `/metrics`, on loopback. Alive is who answers at all. Ready is who may get traffic: an edge whose control
 * plane is away stays ready, because it serves from its last good bundle, and taking every edge out of the load balancer
 * would make an outage of it; an edge whose key is refused is not, because somebody shut it out.
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

export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws the system's error when the port cannot be had */
export async function startOperationsServer(
  port: number,
  readReadiness: () => Readiness,
  metrics: Pick<Metrics, "contentType" | "print">,
): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    if (request.url === "/metrics") {
      answerMetrics(response, metrics);
      return;
    }
    const [status, body] = answer(request.url ?? "", readReadiness);
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(`${JSON.stringify(body)}\n`);
  });
  await listen(server, port);
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

function answer(url: string, readReadiness: () => Readiness): [status: number, body: object] {
  if (url === "/healthz") return [200, { status: "ok" }];
  if (url !== "/readyz") return [404, { status: "not found", hint: "there are /healthz, /readyz and /metrics" }];
  const { trust, trustVersion, isClosing } = readReadiness();
  const isReady = !isClosing && trust.state !== "refused";
  const status = isReady ? (trust.state === "current" ? "ready" : "degraded") : "not ready";
  return [isReady ? 200 : 503, { status, closing: isClosing, trust: { ...trust, version: trustVersion } }];
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
}
