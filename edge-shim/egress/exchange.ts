/**
 * The life of a worker's request in the egress, in order: token, target, certificate, pool, the exchange with the origin,
 * and where no answer came, why. A request whose certificate is rotated before it was written goes out with the new one.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import { PROBLEMS } from "../../src/contract/problem.ts";
import { isRequestId } from "../../src/contract/request-id.ts";
import { type ForwardedRequest, forward } from "../forwarding/forward.ts";
import { hasBody } from "../forwarding/request-body.ts";
import { acceptUpgrade, type UpgradeSocket } from "../forwarding/websocket.ts";
import type { RequestSpan, Tracing } from "../tracing/tracing.ts";
import type { FindCertificate, PresentableCertificate } from "./certificates.ts";
import type { EgressLog, EgressRecord } from "./egress-log.ts";
import { type EgressFailure, explainFailure, explainUnusable, isClosedByOrigin } from "./failure.ts";
import { encodeFailure, type FailureMessage } from "./failure-message.ts";
import { isUnprocessed, receiveStream } from "./http2-streams.ts";
import { type OriginPool, RetiredPoolError } from "./origin-pool.ts";
import type { OriginPools } from "./origin-pools.ts";
import { type AttemptBody, RequestBody } from "./request-body.ts";
import { isInternalHeader, type RequestHeaders, readRequestHeaders } from "./request-headers.ts";
import { parseTarget, type Target } from "./target.ts";
import type { EgressTokens } from "./token.ts";

export interface ExchangeEnvironment {
  readonly tokens: EgressTokens;
  readonly findCertificate: FindCertificate;
  readonly pools: OriginPools;
  readonly log: EgressLog;
  /** Undefined where nothing is traced */
  readonly tracing: Pick<Tracing, "traceEgress"> | undefined;
  /** Milliseconds since the epoch */
  readonly clock: () => number;
}

/** Each because the origin took nothing: a rotation came before the request was written, or a GOAWAY before it was read. */
const UNTAKEN_MAX = 10;

const REPEATABLE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** One request. Made for it, thrown away after it. */
export class EgressExchange {
  readonly #environment: ExchangeEnvironment;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #startedMs = performance.now();
  readonly #headers: RequestHeaders;
  readonly #project: string;
  readonly #name: string;
  #span: RequestSpan<EgressRecord> | undefined;
  #upgrade: UpgradeSocket | undefined;
  #body: RequestBody | undefined;
  #target: Target | undefined;
  #certificate: PresentableCertificate | undefined;
  /** Of the present attempt */
  #pool: OriginPool | undefined;
  #failure: EgressFailure | undefined;
  /** Something of the request may have reached the origin, in the present attempt */
  #isSent = false;
  #untaken = 0;
  /** Of the present attempt: whether the origin said that it did nothing with it */
  #isUnprocessed: () => boolean = () => false;
  #hasRetried = false;

  constructor(environment: ExchangeEnvironment, request: IncomingMessage, response: ServerResponse) {
    this.#environment = environment;
    this.#request = request;
    this.#response = response;
    this.#headers = readRequestHeaders(request.rawHeaders, request.headers.connection);
    this.#project = this.#headers.call?.project ?? "";
    this.#name = this.#headers.call?.certificate ?? "";
  }

  handle(upgrade?: UpgradeSocket): void {
    const { tokens, tracing } = this.#environment;
    this.#upgrade = upgrade;
    this.#response.sendDate = false;
    // To keep a connection goes without saying in HTTP/1.1, and a worker takes time over each header.
    this.#response.removeHeader("connection");
    this.#response.on("error", () => this.#response.destroy());
    const { call } = this.#headers;
    if (call === undefined || !tokens.isValid(call.token, this.#project)) {
      this.#environment.log.strangerRefused();
      this.#respond(encodeFailure(FORBIDDEN, WRONG_TOKEN));
      return;
    }
    this.#response.on("close", () => this.#logResponse());
    this.#span = tracing?.traceEgress(this.#request.headers);
    const target = parseTarget(call.target);
    if (!target.ok) {
      this.#fail({ code: "origin_unreachable", reason: target.reason, hint: "give an absolute https URL" });
      return;
    }
    this.#target = target.target;
    if (hasBody(this.#request)) {
      // The parser has left it in the first bytes of the WebSocket.
      if (upgrade !== undefined) {
        this.#fail(UPGRADE_WITH_BODY);
        return;
      }
      this.#body = new RequestBody(this.#request);
    }
    this.#attempt(target.target);
  }

  #attempt(target: Target): void {
    const { findCertificate, pools } = this.#environment;
    const found = findCertificate(this.#project, this.#name);
    if (!found.ok) {
      this.#fail(found);
      return;
    }
    this.#certificate = found.certificate;
    this.#isSent = false;
    this.#isUnprocessed = () => false;
    try {
      this.#pool = pools.find({
        project: this.#project,
        origin: target.origin,
        certificate: found.certificate,
        isWebSocket: this.#upgrade !== undefined,
      });
    } catch (error) {
      this.#fail(explainUnusable(error, found.certificate));
      return;
    }
    forward(this.#pool.dispatcher, this.#describe(target, this.#pool));
  }

  #describe(target: Target, pool: OriginPool): ForwardedRequest {
    const upgrade = this.#upgrade;
    const body = this.#body?.open(() => {
      if (!this.#isSent) pool.assertUsable();
      this.#isSent = true;
    });
    return {
      method: this.#request.method ?? "GET",
      path: target.path,
      headers: this.#span?.passOn(this.#headers.passedOn) ?? this.#headers.passedOn,
      body,
      response: this.#response,
      onStart: () => {
        pool.assertUsable();
        this.#isSent = body === undefined || pool.hasSpokenHttp2;
        // Also without a body, since what an HTTP/1.1 request waited for must not come to the next one.
        receiveStream((stream) => this.#joinStream(stream, body));
      },
      dropsHeader: isInternalHeader,
      onFailure: (error) => this.#retryOrFail(error, target, pool),
      ...(upgrade && { onUpgrade: (headers, socket) => this.#accept(upgrade, headers, socket, pool) }),
    };
  }

  #retryOrFail(error: Error, target: Target, pool: OriginPool): void {
    if (this.#response.destroyed) return;
    if (this.#isUntaken(error) && this.#untaken < UNTAKEN_MAX) {
      this.#untaken += 1;
      this.#attemptSoon(target);
    } else if (this.#isSent && !this.#hasRetried && this.#isRepeatable(error)) {
      this.#hasRetried = true;
      this.#attemptSoon(target);
    } else if (this.#isSent && isClosedByOrigin(error)) {
      this.#explainClosed(error, pool);
    } else {
      this.#fail(this.#explainLost(error, pool));
    }
  }

  /** Not at once: undici still thinks that the connection which just died could take it. */
  #attemptSoon(target: Target): void {
    setImmediate(() => this.#response.destroyed || this.#attempt(target));
  }

  #isUntaken(error: Error): boolean {
    if (this.#body?.isRepeatable === false) return false;
    return this.#isSent ? this.#isUnprocessed() : error instanceof RetiredPoolError;
  }

  #joinStream(stream: ClientHttp2Stream, body: AttemptBody | undefined): void {
    const session = stream.session as ClientHttp2Session;
    this.#isUnprocessed = () => isUnprocessed(session, stream);
    body?.joinStream(stream);
  }

  /** Closed on us while we were writing: perhaps because of our certificate, which an alert would have said. */
  #explainClosed(error: Error, pool: OriginPool): void {
    const explain = () => {
      if (!this.#response.destroyed) this.#fail(this.#explainLost(error, pool));
    };
    if (pool.findAlertSince(this.#startedMs) === undefined) pool.listenForAlert().then(explain, explain);
    else explain();
  }

  /** RFC 9110, section 9.2.2: what may be repeated when a kept-alive connection turns out to be closed. */
  #isRepeatable(error: Error): boolean {
    const isSafe = REPEATABLE_METHODS.has(this.#request.method ?? "");
    return isSafe && this.#body === undefined && isClosedByOrigin(error);
  }

  /** A request that was cut because its certificate may no longer be used says so. */
  #explainLost(error: Error, pool: OriginPool): EgressFailure {
    const present = pool.isRetired ? this.#environment.findCertificate(this.#project, this.#name) : undefined;
    if (present?.ok === false) return { code: present.code, reason: present.reason, hint: present.hint };
    const { origin, certificate } = pool;
    const nowMs = this.#environment.clock();
    return explainFailure(pool.findAlertSince(this.#startedMs) ?? error, { origin, certificate, nowMs });
  }

  #accept(upgrade: UpgradeSocket, headers: string[], origin: Duplex, pool: OriginPool): void {
    const { socket } = upgrade;
    acceptUpgrade(this.#response, upgrade, headers, origin);
    pool.adoptWebSocket(origin);
    pipeline(socket, origin, socket, () => {
      socket.destroy();
      origin.destroy();
      this.#log(SWITCHING_PROTOCOLS, pool.isRetired ? { cutReason: new RetiredPoolError().message } : {});
    });
  }

  #fail(failure: EgressFailure): void {
    const { code, reason, hint } = failure;
    this.#failure = { code, reason, hint };
    this.#respond(encodeFailure(PROBLEMS[code].status, this.#failure));
  }

  #respond({ status, headers, body }: FailureMessage): void {
    if (this.#body === undefined) this.#request.resume();
    else this.#body.discard();
    if (this.#response.headersSent) return;
    this.#response.writeHead(status, headers);
    this.#response.end(body);
  }

  #logResponse(): void {
    const { errored, headersSent, statusCode, writableFinished } = this.#response;
    // Headers had gone to the worker when the origin's answer broke: it was cut.
    if (errored && this.#pool) this.#failure ??= this.#explainLost(errored, this.#pool);
    const isIncomplete = !writableFinished;
    this.#log(headersSent ? statusCode : CLIENT_CLOSED_REQUEST, isIncomplete ? { incomplete: true } : {});
  }

  #log(status: number, more: { incomplete?: true; cutReason?: string }): void {
    const requestId = this.#headers.call?.requestId;
    const record: EgressRecord = {
      ...(requestId !== undefined && isRequestId(requestId) && { requestId }),
      ...(this.#span && { traceId: this.#span.traceId }),
      method: this.#request.method ?? "",
      project: this.#project,
      origin: this.#target?.origin ?? "",
      certificate: this.#name,
      ...(this.#certificate && { certificateVersion: this.#certificate.version }),
      status,
      durationMs: performance.now() - this.#startedMs,
      ...more,
      ...(this.#failure && { failure: this.#failure }),
    };
    this.#environment.log.request(record);
    this.#span?.end(record);
  }
}

const SWITCHING_PROTOCOLS = 101;
const FORBIDDEN = 403;
/** As in the ingress: the worker did not wait for an answer */
const CLIENT_CLOSED_REQUEST = 499;

/** Told as a failure, so that the worker does not take it for the origin's answer. */
const WRONG_TOKEN: EgressFailure = {
  code: "mtls_certificate_not_found",
  reason: "the egress does not accept this worker's token for its project",
  hint: "start the worker with the SALLYPORT_EGRESS_* variables that this edge wrote into worker.env",
};

const UPGRADE_WITH_BODY: EgressFailure = {
  code: "origin_unreachable",
  reason: "a WebSocket request has no body, found one",
  hint: "send it without Content-Length and Transfer-Encoding",
};
