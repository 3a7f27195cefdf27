/** An edge on a free port with everything around it: upstream, trust, log and clock in the hands of the test. */
import pino from "pino";
import { type Edge, type EdgeOptions, startEdge } from "../../../edge-shim/edge.ts";
import { createSigningJwk } from "../../../edge-shim/ingress/assertion-signer.ts";
import { createEdgeCa } from "../../../edge-shim/ingress/server-certificates.ts";
import { createEdgeAssertionVerifier, type EdgeAssertion } from "../../../src/contract/edge-assertion.ts";
import { EDGE_ASSERTION_HEADER } from "../../../src/contract/headers.ts";
import { type Accounts, createMemoryTrustSource, type MemoryTrustSource } from "./trust.ts";
import { until } from "./until.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** A host name that every account map of these tests may use; also the domain for clients without SNI */
export const HOST = "a.test";

export interface LogEvent {
  event?: string;
  msg: string;
  level: number;
  [field: string]: unknown;
}

export interface TestEdge extends Edge, AsyncDisposable {
  readonly upstream: Upstream;
  readonly trust: MemoryTrustSource;
  readonly edgeCaPem: string;
  /** Starts at the real time, then stands still */
  readonly clock: { nowMs: number; advance(milliseconds: number): void };
  /** Every line, as logged */
  readonly logLines: string[];
  logEvents(event: string): LogEvent[];
  /** Waits until `count` events of that name are logged. */
  waitForLog(event: string, count?: number): Promise<LogEvent[]>;
  /** What the assertion on a request that the upstream saw says, @throws when it is not valid now */
  readAssertion(headers: Record<string, unknown>): Promise<EdgeAssertion>;
}

export type TestEdgeOptions = Partial<EdgeOptions> & { accounts?: Accounts };

const NO_ACCOUNTS: Accounts = { acme: { domains: [HOST] } };

export async function startTestEdge(options: TestEdgeOptions = {}): Promise<TestEdge> {
  const { accounts = NO_ACCOUNTS, ...overrides } = options;
  const upstream = await startUpstream();
  const trust = createMemoryTrustSource(accounts);
  const clock = createClock();
  const edgeCa = await createEdgeCa(new Date(clock.nowMs));
  const logLines: string[] = [];
  const edge = await startEdge({
    host: "127.0.0.1",
    port: 0,
    environment: "development",
    defaultHostname: HOST,
    upstream: { url: upstream.url },
    trustSource: trust,
    edgeCa,
    signingKey: await createSigningJwk(),
    version: "test",
    logger: pino({ level: "debug" }, { write: (line: string) => void logLines.push(line) }),
    clock: () => clock.nowMs,
    ...overrides,
  });
  const verify = createEdgeAssertionVerifier(edge.jwks);
  const logEvents = (event: string) =>
    logLines.map((line) => JSON.parse(line) as LogEvent).filter((entry) => entry.event === event);
  return {
    ...edge,
    upstream,
    trust,
    clock,
    edgeCaPem: edgeCa.certificatePem,
    logLines,
    logEvents,
    waitForLog: (event, count = 1) =>
      until(() => {
        const events = logEvents(event);
        return events.length >= count ? events : undefined;
      }),
    async readAssertion(headers) {
      const result = await verify(String(headers[EDGE_ASSERTION_HEADER]), new Date(clock.nowMs));
      if (!result.ok) throw new Error(`the assertion is not valid: ${result.refusal}: ${result.detail}`);
      return result.assertion;
    },
    async [Symbol.asyncDispose]() {
      await upstream.close();
      await edge.close();
    },
  };
}

function createClock(): TestEdge["clock"] {
  return {
    nowMs: Date.now(),
    advance(milliseconds) {
      this.nowMs += milliseconds;
    },
  };
}
