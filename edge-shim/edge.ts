/** Composition root of the edge: trust in, listeners out. */
import type { Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { JSONWebKeySet, JWK } from "jose";
import type { Logger } from "pino";
import { type Egress, type EgressOptions, startEgress } from "./egress/egress.ts";
import { createEgressLog } from "./egress/egress-log.ts";
import { startExpiryWarnings } from "./expiry-warnings.ts";
import { createAssertionSigner } from "./ingress/assertion-signer.ts";
import { openCertificateDirectory } from "./ingress/certificate-directory.ts";
import { DEFAULT_LIMITS, type IngressLimits } from "./ingress/limits.ts";
import { createListener } from "./ingress/listener.ts";
import { createProblemWriter } from "./ingress/problem-response.ts";
import { createRequestLog } from "./ingress/request-log.ts";
import { createSecondOpinion } from "./ingress/second-opinion.ts";
import { createServerCertificates, type EdgeCa, type ServerCertificates } from "./ingress/server-certificates.ts";
import { createServerNameCallback } from "./ingress/server-name.ts";
import { createUpgradedConnections } from "./ingress/upgraded-connections.ts";
import { createUpstream, type UpstreamOptions } from "./ingress/upstream.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createNetworkList } from "./networks.ts";
import type { Readiness } from "./operations.ts";
import { openTracing } from "./tracing/tracing.ts";
import type { TrustSource } from "./trust/trust-source.ts";
import { createTrustStore } from "./trust/trust-store.ts";

/** Time that requests under way have when the edge ends */
const DRAIN_MS = 10_000;

export interface EdgeOptions {
  host: string;
  /** 0 picks a free one */
  port: number;
  environment: string;
  /** The only domain for clients that send no server name */
  defaultHostname: string;
  upstream: UpstreamOptions;
  trustSource: TrustSource;
  /** Without it workers present no certificates to origins */
  egress?: EgressOptions;
  edgeCa: EdgeCa;
  /** Server certificates for names that have files there; all others are made by the edge CA */
  tlsDirectory?: string;
  /** Ed25519 private key */
  signingKey: JWK;
  /** Version of this program, for `trace.buildId` of the edge's own answers */
  version: string;
  logger: Logger;
  limits?: Partial<IngressLimits>;
  /** Networks of load balancers: only they may connect, and each connection begins with a PROXY header */
  proxyProtocolFrom?: readonly string[];
  /** Milliseconds since the epoch; for tests */
  clock?: () => number;
}

/** One process or several */
export interface RunningEdge {
  readonly port: number;
  /** Public keys for the worker's `SALLYPORT_EDGE_JWKS` */
  readonly jwks: JSONWebKeySet;
  /** @throws Error when nobody is there to be asked */
  readiness(): Readiness | Promise<Readiness>;
  readonly metrics: Pick<Metrics, "contentType" | "print">;
  /** Has another worker serve from now on. Resolves when what is under way at the old one is answered. */
  replaceUpstream(upstream: UpstreamOptions): Promise<void>;
  close(): Promise<void>;
}

export interface Edge extends RunningEdge {
  readonly egress: Pick<Egress, "url" | "issueToken"> | undefined;
  readiness(): Readiness;
}

/** @throws TrustSourceError without a bundle to start with; the system's error when the port cannot be had */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { logger, trustSource, environment, defaultHostname } = options;
  const clock = options.clock ?? Date.now;
  const proxyProtocolPeers = options.proxyProtocolFrom && createNetworkList(options.proxyProtocolFrom);
  const trust = createTrustStore(await trustSource.load());
  const made = await createServerCertificates(options.edgeCa, () => new Date(clock()));
  const directory = options.tlsDirectory === undefined ? undefined : openDirectory(options.tlsDirectory, made, logger);
  const serverCertificates = directory ?? made;
  const upstream = createUpstream(options.upstream);
  const metrics = createMetrics();
  const signer = metrics.countAssertions(await createAssertionSigner(options.signingKey));
  metrics.watchTrust(trust, trustSource);
  const log = metrics.countRequests(createRequestLog(logger));
  const tracing = await openTracing(options.version, logger);
  const fallbackCertificate = await serverCertificates.fallback();
  const listener = createListener({
    trust,
    signer,
    environment,
    defaultHostname,
    clock,
    upstream,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    problems: createProblemWriter(environment, `sallyport-edge/${options.version}`),
    log,
    tracing,
    upgraded: createUpgradedConnections(trust, clock),
    chooseContext: createServerNameCallback(trust, serverCertificates, (error, servername) =>
      log.failure(`no TLS context for "${servername}"`, error),
    ),
    fallbackCertificate,
    proxyProtocolPeers,
    secondOpinion: createSecondOpinion(fallbackCertificate),
  });
  const egress =
    options.egress &&
    (await startEgress(options.egress, {
      trust,
      environment,
      clock,
      log: metrics.countEgress(createEgressLog(logger)),
      tracing,
    }));
  await listen(listener.server, options).catch(async (error: unknown) => {
    await upstream.destroy();
    await egress?.close();
    throw error;
  });
  let isClosing = false;
  const expiryWarnings = startExpiryWarnings(trust, logger, clock);
  trustSource.watch(
    (bundle) => {
      trust.replace(bundle);
      logger.info({ event: "trust_changed", version: trust.version, epoch: trust.epoch }, "trust bundle replaced");
    },
    (error) => {
      const { problems, message } = error;
      logger.error({ event: "trust_unchanged", problems }, `${message}; the last good trust bundle stays in use`);
    },
  );
  return {
    port: (listener.server.address() as AddressInfo).port,
    jwks: signer.jwks,
    egress,
    replaceUpstream: (next) => upstream.replace(next),
    metrics,
    readiness: () => ({ trust: trustSource.status(), trustVersion: trust.version, isClosing }),
    async close() {
      isClosing = true;
      const trustClosed = trustSource.close();
      directory?.close();
      expiryWarnings.close();
      await listener.close(DRAIN_MS);
      await upstream.destroy();
      await egress?.close();
      // Last: the spans of what was answered until now.
      await tracing?.close();
      await trustClosed;
    },
  };
}

function openDirectory(path: string, others: ServerCertificates, logger: Logger) {
  return openCertificateDirectory(path, others, (message) => {
    logger.error({ event: "server_certificates_unchanged" }, message);
  });
}

function listen(server: Http2SecureServer, { host, port }: EdgeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
