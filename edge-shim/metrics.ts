/**
 * What Prometheus is told: numbers derived from the events that the log has anyway, and the state of trust. Labels are
 * bounded: nothing that a client chooses becomes one.
 */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EgressLog } from "./egress/egress-log.ts";
import type { AssertionSigner } from "./ingress/assertion-signer.ts";
import type { RequestLog } from "./ingress/request-log.ts";
import { readExpiry } from "./trust/certificate-expiry.ts";
import type { TrustSource } from "./trust/trust-source.ts";
import type { TrustStore } from "./trust/trust-store.ts";

/** Seconds: from a worker that answers at once to one that waits for a slow origin */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Origins come from routes, and those may be made of what a request says */
const ORIGINS_MAX = 200;
const OTHER_ORIGINS = "other";
/** What several processes say of their trust is what the one says that is furthest behind; numbers are added up. */
const FURTHEST_BEHIND = "min";

export interface Metrics {
  /** In Prometheus' text format */
  readonly contentType: string;
  print(): Promise<string>;
  /** `log` and the numbers of it. */
  countRequests(log: RequestLog): RequestLog;
  countEgress(log: EgressLog): EgressLog;
  /** Each signature is an assertion that the worker verifies: requests beyond them cost a look-up. */
  countAssertions(signer: AssertionSigner): AssertionSigner;
  watchTrust(trust: TrustStore, source: TrustSource): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Where this is one of several edge processes, these are the numbers that are added up (processes/).
  AggregatorRegistry.setRegistries(registry);
  return {
    contentType: registry.contentType,
    print: () => registry.metrics(),
    countRequests: (log) => countRequests(log, registry),
    countEgress: (log) => countEgress(log, registry),
    countAssertions: (signer) => countAssertions(signer, registry),
    watchTrust: (trust, source) => watchTrust(trust, source, registry),
  };
}

function countRequests(log: RequestLog, registry: Registry): RequestLog {
  const registers = [registry];
  const requests = new Counter({
    name: "sallyport_requests_total",
    help: "Requests that were answered, by the worker or by the edge itself (route empty)",
    labelNames: ["route", "status", "verdict"],
    registers,
  });
  const durations = new Histogram({
    name: "sallyport_request_duration_seconds",
    help: "From the request's headers to the end of its answer",
    buckets: DURATION_BUCKETS,
    registers,
  });
  const refused = new Counter({
    name: "sallyport_requests_refused_total",
    help: "Bytes that never became a request",
    labelNames: ["status"],
    registers,
  });
  const handshakes = new Counter({
    name: "sallyport_handshakes_total",
    help: "TLS handshakes: finished with a verdict and its reason, or failed with OpenSSL's code",
    labelNames: ["verdict", "reason"],
    registers,
  });
  const failures = new Counter({
    name: "sallyport_failures_total",
    help: "What the log calls failures: a worker that did not answer, a connection that could not be judged",
    registers,
  });
  return {
    request(record) {
      requests.inc({ route: record.route ?? "", status: record.status, verdict: record.verdict.status });
      durations.observe(record.durationMs / 1_000);
      log.request(record);
    },
    requestRefused(record) {
      refused.inc({ status: record.status });
      log.requestRefused(record);
    },
    handshakeFinished(verdict) {
      handshakes.inc({ verdict: verdict.status, reason: verdict.status === "FAILED" ? verdict.reason : "" });
      log.handshakeFinished(verdict);
    },
    handshakeFailed(address, servername, error) {
      handshakes.inc({ verdict: "", reason: (error as NodeJS.ErrnoException).code ?? "unknown" });
      log.handshakeFailed(address, servername, error);
    },
    peerRefused(address) {
      handshakes.inc({ verdict: "", reason: "PROXY_PEER_REFUSED" });
      log.peerRefused(address);
    },
    failure(...given) {
      failures.inc();
      log.failure(...given);
    },
  };
}

function countEgress(log: EgressLog, registry: Registry): EgressLog {
  const requests = new Counter({
    name: "sallyport_egress_requests_total",
    help: "Requests to origins that presented a client certificate; result is the status, or why there was none",
    labelNames: ["origin", "certificate", "result"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "sallyport_egress_request_duration_seconds",
    help: "From the worker's request to the end of the origin's answer",
    buckets: DURATION_BUCKETS,
    registers: [registry],
  });
  const strangers = new Counter({
    name: "sallyport_egress_refused_total",
    help: "Requests without a valid token: a worker that another edge's worker.env was given to, or a stranger",
    registers: [registry],
  });
  const origins = new Set<string>();
  return {
    strangerRefused() {
      strangers.inc();
      log.strangerRefused();
    },
    request(record) {
      const isKnown = origins.has(record.origin) || origins.size < ORIGINS_MAX;
      if (isKnown) origins.add(record.origin);
      requests.inc({
        origin: isKnown ? record.origin : OTHER_ORIGINS,
        // A name that means nothing is the worker's invention.
        certificate: record.certificateVersion === undefined ? "" : record.certificate,
        result: record.failure?.code ?? String(record.status),
      });
      durations.observe(record.durationMs / 1_000);
      log.request(record);
    },
  };
}

function countAssertions(signer: AssertionSigner, registry: Registry): AssertionSigner {
  const signed = new Counter({
    name: "sallyport_assertions_signed_total",
    help: "Edge assertions that were signed; every other request goes with one that its connection has already",
    registers: [registry],
  });
  return {
    ...signer,
    sign(...given) {
      signed.inc();
      return signer.sign(...given);
    },
  };
}

function watchTrust(trust: TrustStore, source: TrustSource, registry: Registry): void {
  let changedMs = Date.now();
  trust.onChange(() => {
    changedMs = Date.now();
  });
  gauge(
    registry,
    "sallyport_trust_current",
    "1 while the trust source answers, 0 while the last good bundle is used",
    () => (source.status().state === "current" ? 1 : 0),
  );
  gauge(registry, "sallyport_trust_changed_seconds", "When the trust bundle changed last, since the epoch", () =>
    Math.round(changedMs / 1_000),
  );
  gauge(registry, "sallyport_trust_epoch", "How many trust bundles were used since the start", () => trust.epoch);
  new Gauge({
    name: "sallyport_trust_version_info",
    help: "1, or the number of edge processes, for the version of the trust bundle in use",
    labelNames: ["version"],
    registers: [registry],
    collect() {
      this.reset();
      this.set({ version: trust.version }, 1);
    },
  });
  new Gauge({
    name: "sallyport_certificate_expiry_seconds",
    help: "When an uploaded certificate expires, since the epoch: CA certificates, and mTLS certificates for origins",
    labelNames: ["kind", "account", "name"],
    registers: [registry],
    aggregator: FURTHEST_BEHIND,
    collect() {
      this.reset();
      for (const { kind, account, name, expiresMs } of listExpiries(trust)) {
        this.set({ kind, account, name }, Math.round(expiresMs / 1_000));
      }
    },
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    aggregator: FURTHEST_BEHIND,
    collect() {
      this.set(read());
    },
  });
}

export interface CertificateExpiry {
  kind: "ca-certificate" | "mtls-certificate" | "origin-ca";
  account: string;
  name: string;
  expiresMs: number;
}

/** Of everything that this edge trusts or presents. */
export function* listExpiries(trust: Pick<TrustStore, "accounts">): Generator<CertificateExpiry> {
  for (const { document } of trust.accounts()) {
    const { account, caCertificates, mtlsCertificates = [], originCaCertificates = [] } = document;
    for (const uploaded of caCertificates) {
      yield { kind: "ca-certificate", account, name: uploaded.name, expiresMs: readExpiry(uploaded) };
    }
    for (const uploaded of mtlsCertificates) {
      yield { kind: "mtls-certificate", account, name: uploaded.name, expiresMs: readExpiry(uploaded) };
    }
    for (const uploaded of originCaCertificates) {
      yield { kind: "origin-ca", account, name: uploaded.name, expiresMs: readExpiry(uploaded) };
    }
  }
}
