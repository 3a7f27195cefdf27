/** Composition root of the edge: trust in, listeners out. */
import type { Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { JSONWebKeySet, JWK } from "jose";
import type { Logger } from "pino";
import { type Egress, type EgressOptions, startEgress } from "./egress/egress.ts";
import { createAssertionSigner } from "./ingress/assertion-signer.ts";
import { DEFAULT_LIMITS, type IngressLimits } from "./ingress/limits.ts";
import { createListener } from "./ingress/listener.ts";
import { createProblemWriter } from "./ingress/problem-response.ts";
import { createRequestLog } from "./ingress/request-log.ts";
import { createSecondOpinion } from "./ingress/second-opinion.ts";
import { createServerCertificates, type EdgeCa } from "./ingress/server-certificates.ts";
import { createServerNameCallback } from "./ingress/server-name.ts";
import { createUpgradedConnections } from "./ingress/upgraded-connections.ts";
import { createUpstream, type UpstreamOptions } from "./ingress/upstream.ts";
import type { Readiness } from "./operations.ts";
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
  /** Ed25519 private key */
  signingKey: JWK;
  /** Version of this program, for `trace.buildId` of the edge's own answers */
  version: string;
  logger: Logger;
  limits?: Partial<IngressLimits>;
  /** Milliseconds since the epoch; for tests */
  clock?: () => number;
}

export interface Edge {
  readonly port: number;
  /** Public keys for the worker's `SALLYPORT_EDGE_JWKS` */
  readonly jwks: JSONWebKeySet;
  readonly egress: Pick<Egress, "url" | "issueToken"> | undefined;
  readiness(): Readiness;
  close(): Promise<void>;
}

/** @throws TrustSourceError without a bundle to start with; the system's error when the port cannot be had */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { logger, trustSource, environment, defaultHostname } = options;
  const clock = options.clock ?? Date.now;
  const trust = createTrustStore(await trustSource.load());
  const signer = await createAssertionSigner(options.signingKey);
  const serverCertificates = await createServerCertificates(options.edgeCa, () => new Date(clock()));
  const upstream = createUpstream(options.upstream);
  const log = createRequestLog(logger);
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
    upgraded: createUpgradedConnections(trust, clock),
    chooseContext: createServerNameCallback(trust, serverCertificates, (error, servername) =>
      log.failure(`no TLS context for "${servername}"`, error),
    ),
    fallbackCertificate,
    secondOpinion: createSecondOpinion(fallbackCertificate),
  });
  const egress = options.egress && (await startEgress(options.egress, { trust, environment, logger, clock }));
  await listen(listener.server, options).catch(async (error: unknown) => {
    await upstream.destroy();
    await egress?.close();
    throw error;
  });
  let isClosing = false;
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
    readiness: () => ({ trust: trustSource.status(), trustVersion: trust.version, isClosing }),
    async close() {
      isClosing = true;
      trustSource.close();
      await listener.close(DRAIN_MS);
      await upstream.destroy();
      await egress?.close();
    },
  };
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
