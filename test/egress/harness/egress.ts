/** An egress on a free port, with certificates, clock and log in the hands of the test; asked as a worker asks it. */
import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { buffer, text } from "node:stream/consumers";
import pino from "pino";
import { LOOPBACK_NETWORKS } from "../../../edge-shim/egress/addresses.ts";
import { type EgressOptions, startEgress } from "../../../edge-shim/egress/egress.ts";
import { createEgressLog } from "../../../edge-shim/egress/egress-log.ts";
import { createMetrics, type Metrics } from "../../../edge-shim/metrics.ts";
import type { Tracing } from "../../../edge-shim/tracing/tracing.ts";
import { createTrustStore } from "../../../edge-shim/trust/trust-store.ts";
import {
  EGRESS_CALL_HEADER,
  EGRESS_FAILURE_HEADER,
  type EnvironmentType,
  formatEgressCall,
} from "../../../src/contract/egress.ts";
import type { BundledMtlsCertificate, TrustBundle } from "../../../src/contract/trust-bundle.ts";
import { until } from "../../edge/harness/until.ts";

export const PROJECT = "acme/shop";
/** Bytes of a secret that no edge has */
export const TEST_SECRET = Buffer.alloc(32, 7);

/** What the project has in the control plane. */
export interface Outbound {
  /** By name */
  certificates?: Record<string, UploadedCertificate>;
  /** PEM of CA certificates that origins may have */
  originCas?: string[];
}

export interface UploadedCertificate {
  chainPem: string;
  /** Left out: as after a start without the control plane */
  keyPem?: string;
  /** Default `cert_` and the name */
  id?: string;
  /** Default `"1"` */
  version?: string;
  isDisabled?: boolean;
  /** Default all */
  environmentTypes?: EnvironmentType[];
}

let versions = 0;

export function createOutboundBundle({ certificates = {}, originCas = [] }: Outbound): TrustBundle {
  const [account = "", project = ""] = PROJECT.split("/");
  const version = `v${++versions}`;
  const mtlsCertificates = Object.entries(certificates).map(
    ([name, uploaded]): BundledMtlsCertificate => ({
      id: uploaded.id ?? `cert_${name}`,
      name,
      project,
      version: uploaded.version ?? "1",
      environmentTypes: uploaded.environmentTypes ?? ["development", "preview", "production"],
      isDisabled: uploaded.isDisabled ?? false,
      certificate: uploaded.chainPem,
      ...(uploaded.keyPem === undefined ? {} : { privateKey: uploaded.keyPem }),
    }),
  );
  const originCaCertificates = originCas.map((certificate, index) => {
    return { id: `oca_${index}`, name: `origin_ca_${index}`, project, certificate };
  });
  const document = { account, version, caCertificates: [], domains: [], mtlsCertificates, originCaCertificates };
  return { format: 1, version, accounts: [document] };
}

export interface Question {
  /** Name of the certificate */
  certificate?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Default the valid one */
  token?: string;
  project?: string;
  requestId?: string;
  /** Default one whose connections end with the egress */
  agent?: Agent;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Name, value, name, value … */
  rawTrailers: string[];
  text: string;
  /** With a code where no answer came from the origin */
  failure: { code: string; reason: string; hint: string } | undefined;
}

export interface TestEgress extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** Every event, in order */
  readonly events: Record<string, unknown>[];
  readonly metrics: Metrics;
  /** As a worker does it. @throws when the egress itself does not answer */
  ask(target: string, question?: Question): Promise<Answer>;
  /** The same with the request in hand, for what is sent or read bit by bit */
  open(target: string, question?: Question): ClientRequest;
  /** Sends bytes as they are and gives what came back until the egress closed the connection. */
  sendRaw(bytes: string): Promise<string>;
  /** Waits until `count` events are logged. */
  waitForEvents(count?: number): Promise<Record<string, unknown>[]>;
  /** What a worker's request has to carry */
  headers(target: string, question?: Question): Record<string, string>;
  /** As if the control plane had sent it: in force when this returns */
  replace(outbound: Outbound): void;
}

export interface TestEgressOptions
  extends Outbound,
    Partial<Pick<EgressOptions, "listen" | "limits" | "allowedNetworks">> {
  /** Default `development` */
  environment?: string;
  clock?: () => number;
  tracing?: Tracing;
}

export async function startTestEgress(options: TestEgressOptions = {}): Promise<TestEgress> {
  const events: Record<string, unknown>[] = [];
  const keep = (line: string) => events.push(JSON.parse(line));
  const metrics = createMetrics();
  const trust = createTrustStore(createOutboundBundle(options));
  const egress = await startEgress(
    {
      listen: options.listen ?? { port: 0 },
      secret: TEST_SECRET,
      allowedNetworks: options.allowedNetworks ?? LOOPBACK_NETWORKS,
      // So that no connection ends because a slow machine let it be idle.
      limits: { keepAliveTimeoutMs: 600_000, ...options.limits },
    },
    {
      trust,
      environment: options.environment ?? "development",
      log: metrics.countEgress(createEgressLog(pino({ level: "debug" }, { write: (line) => keep(line) }))),
      clock: options.clock ?? Date.now,
      tracing: options.tracing,
    },
  );
  const token = egress.issueToken(PROJECT);
  const headers = (target: string, question: Question = {}) => ({
    ...question.headers,
    [EGRESS_CALL_HEADER]: formatEgressCall({
      token: question.token ?? token,
      project: question.project ?? PROJECT,
      certificate: question.certificate ?? "gateway",
      requestId: question.requestId,
      target,
    }),
  });
  const ownAgent = new Agent({ keepAlive: true });
  const open = (target: string, question: Question = {}) => {
    const { method = "GET", agent = ownAgent } = question;
    return request(egress.url, { method, agent, headers: headers(target, question) });
  };
  return {
    url: egress.url,
    token,
    events,
    metrics,
    headers,
    open,
    ask: (target, question) => readAnswer(open(target, question), question?.body),
    sendRaw: (bytes) => sendRaw(egress.url, bytes),
    waitForEvents: (count = 1) => until(() => events.length >= count && events),
    replace: (outbound) => trust.replace(createOutboundBundle(outbound)),
    async [Symbol.asyncDispose]() {
      await egress.close();
      ownAgent.destroy();
    },
  };
}

/** Ends the request with `body`. @throws when the answer does not come, or not to its end */
export function readAnswer(sent: ClientRequest, body: string | Buffer = ""): Promise<Answer> {
  // Node sends the body of a GET without a word about its length.
  if (body.length > 0 && !sent.headersSent) sent.setHeader("content-length", Buffer.byteLength(body));
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  sent.once("response", (response: IncomingMessage) => {
    buffer(response).then((bytes) => {
      const { statusCode: status = 0, headers, rawTrailers } = response;
      resolve({ status, headers, rawTrailers, ...readBody(headers, bytes.toString()) });
    }, reject);
  });
  sent.once("error", reject);
  sent.end(body);
  return promise;
}

function sendRaw(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(bytes, "latin1");
  return text(socket);
}

function readBody(headers: IncomingHttpHeaders, text: string): Pick<Answer, "text" | "failure"> {
  const code = headers[EGRESS_FAILURE_HEADER];
  if (typeof code !== "string") return { text, failure: undefined };
  const { reason, hint } = JSON.parse(text) as { reason: string; hint: string };
  return { text, failure: { code, reason, hint } };
}
