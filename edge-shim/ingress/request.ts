/**
 * The life of a request in the edge, in order: is the connection's verdict still true, is the host the one it was
 * judged for, is the request within limits; then headers sanitised, assertion attached, forwarded.
 */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { EDGE_ASSERTION_HEADER, REQUEST_ID_HEADER, ROUTE_HEADER } from "../../src/contract/headers.ts";
import type { ProblemCode, ProblemExplanation } from "../../src/contract/problem.ts";
import { type ForwardedRequest, forward, isGone } from "../forwarding/forward.ts";
import type { HttpRequest, HttpResponse } from "../forwarding/messages.ts";
import { BodyTooLargeError, hasBody, readBody } from "../forwarding/request-body.ts";
import { acceptUpgrade, type UpgradeSocket } from "../forwarding/websocket.ts";
import type { RequestSpan, Tracing } from "../tracing/tracing.ts";
import type { Domain } from "../trust/trust-store.ts";
import type { IngressConnection } from "./connection.ts";
import type { IngressLimits } from "./limits.ts";
import { findFramingProblem, isLastOfConnection } from "./message-framing.ts";
import type { ProblemWriter } from "./problem-response.ts";
import type { RequestLog, RequestRecord } from "./request-log.ts";
import { parseRequestTarget } from "./request-target.ts";
import { joinCookies, sanitizeHeaders } from "./sanitize.ts";
import type { UpgradedConnections } from "./upgraded-connections.ts";
import type { Upstream } from "./upstream.ts";
import type { Verdict } from "./verdict.ts";

export interface RequestEnvironment {
  readonly upstream: Pick<Upstream, "dispatcher">;
  readonly limits: IngressLimits;
  readonly problems: ProblemWriter;
  readonly log: RequestLog;
  readonly upgraded: UpgradedConnections;
  /** Undefined where nothing is traced */
  readonly tracing: Pick<Tracing, "traceIngress"> | undefined;
  readonly clock: () => number;
}

interface Refusal {
  code: ProblemCode;
  detail: string;
  explanation?: ProblemExplanation;
}

type Admission = { ok: true; domain: Domain; host: string } | { ok: false; refusal: Refusal };

export interface ExchangeOptions {
  /** The client waits for `100 Continue` before it sends its body */
  expectsContinue?: boolean;
  upgrade?: UpgradeSocket;
}

/** One request on one connection. Made for it, thrown away after it. */
export class IngressExchange {
  readonly #environment: RequestEnvironment;
  readonly #connection: IngressConnection;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #requestId = randomUUID();
  readonly #startedMs = performance.now();
  readonly #span: RequestSpan<RequestRecord> | undefined;
  #path = "/";
  #route: string | undefined;
  #verdict: Verdict;

  constructor(
    environment: RequestEnvironment,
    connection: IngressConnection,
    request: HttpRequest,
    response: HttpResponse,
  ) {
    this.#environment = environment;
    this.#connection = connection;
    this.#request = request;
    this.#response = response;
    this.#verdict = connection.verdict;
    this.#span = environment.tracing?.traceIngress(request.headers);
  }

  handle(options: ExchangeOptions = {}): void {
    const nowMs = this.#environment.clock();
    this.#connection.refresh(nowMs);
    this.#verdict = this.#connection.verdict;
    this.#response.on("close", () =>
      this.#logEnd(this.#response.headersSent ? this.#response.statusCode : CLIENT_CLOSED_REQUEST),
    );
    const admission = this.#admit(options);
    if (!admission.ok) {
      this.#refuse(admission.refusal, { close: true });
      return;
    }
    const isLast = this.#connection.countRequest() >= this.#environment.limits.requestsPerConnectionMax;
    if (isLast || this.#connection.mustClose || isLastOfConnection(this.#request)) this.#closeAfterwards();
    if ("stream" in this.#request) this.#limitBodyTime(this.#request.stream);
    const assertion = this.#connection.currentAssertion(nowMs);
    if (assertion !== undefined) this.#forward(admission.host, assertion, options);
    else this.#signAndForward(admission, nowMs, options);
  }

  /** Node limits the time of a request's body for HTTP/1.1 only. */
  #limitBodyTime(stream: ServerHttp2Stream): void {
    if (stream.endAfterHeaders) return;
    const { requestTimeoutMs } = this.#environment.limits;
    const timer = setTimeout(() => {
      if (this.#response.headersSent) {
        stream.close(constants.NGHTTP2_CANCEL);
        return;
      }
      // RFC 9113, section 8.1: a whole answer to half a request, and no more of it, please.
      stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
      this.#refuse({ code: "request_timeout", detail: "the request did not arrive in time" });
    }, requestTimeoutMs);
    for (const event of ["end", "close"]) stream.once(event, () => clearTimeout(timer));
  }

  /** May this request go on to the worker? About the connection and the limits only: the rest is policy. */
  #admit({ upgrade }: ExchangeOptions): Admission {
    const { limits } = this.#environment;
    if (hasTooLargeHeaders(this.#request, limits)) return refuse(HEADERS_TOO_LARGE);
    const problem = findFramingProblem(this.#request);
    if (problem !== undefined) return refuse({ code: "bad_request", detail: problem });
    const target = parseRequestTarget(this.#request, this.#connection.hostname);
    if (!target.ok) return refuse({ code: target.problem, detail: target.detail });
    this.#path = target.path;
    const { domain } = this.#connection;
    if (domain === undefined) return refuse(notActive(target.hostname));
    // The parser has left the body, if there is one, in the first bytes of the WebSocket.
    if (upgrade !== undefined && hasBody(this.#request)) return refuse(UPGRADE_WITH_BODY);
    const isTooLarge = Number(this.#request.headers["content-length"] ?? 0) > limits.bodyMaxBytes;
    return isTooLarge ? refuse(tooLarge(limits.bodyMaxBytes)) : { ok: true, domain, host: target.host };
  }

  #signAndForward({ domain, host }: Admission & { ok: true }, nowMs: number, options: ExchangeOptions): void {
    this.#connection.signAssertion(domain, nowMs).then(
      (assertion) => {
        this.#verdict = this.#connection.verdict;
        this.#forward(host, assertion, options);
      },
      (error: unknown) => {
        this.#environment.log.failure("the edge assertion could not be signed", error, this.#requestId);
        this.#refuse({ code: "gateway_unavailable", detail: "the gateway could not vouch for this request" });
      },
    );
  }

  #forward(host: string, assertion: string, options: ExchangeOptions): void {
    const { upstream, limits } = this.#environment;
    const { upgrade } = options;
    if (options.expectsContinue) this.#response.writeContinue();
    const forwarded: ForwardedRequest = {
      method: this.#request.method ?? "GET",
      path: this.#path,
      headers: this.#headers(host, assertion),
      body: upgrade === undefined ? readBody(this.#request, limits.bodyMaxBytes) : undefined,
      response: this.#response,
      sendTimeoutMs: limits.sendTimeoutMs,
      dropsHeader: (name, value) => this.#takeRoute(name, value),
      onFailure: (error) => this.#fail(error),
      ...(upgrade === undefined ? {} : { onUpgrade: (headers, socket) => this.#upgrade(upgrade, headers, socket) }),
    };
    try {
      forward(upstream.dispatcher, forwarded);
    } catch (error) {
      // undici checks what it is given and throws: a request that it will not write is not one to send on.
      this.#environment.log.failure("the request could not be forwarded", error, this.#requestId);
      this.#refuse({ code: "bad_request", detail: "the request cannot be forwarded" }, { close: true });
    }
  }

  /** What the worker says to the edge alone. */
  #takeRoute(name: string, value: string): boolean {
    if (name !== ROUTE_HEADER) return false;
    this.#route = value;
    return true;
  }

  #headers(host: string, assertion: string): string[] {
    const connection = this.#connection;
    const sanitized = sanitizeHeaders(this.#request.rawHeaders, this.#request.headers.connection);
    const headers = this.#request.httpVersionMajor === 1 ? sanitized : joinCookies(sanitized);
    headers.push(
      "host",
      host,
      "x-forwarded-for",
      connection.remoteAddress,
      "x-forwarded-proto",
      "https",
      "x-forwarded-host",
      host,
      "true-client-ip",
      connection.remoteAddress,
      REQUEST_ID_HEADER,
      this.#requestId,
      EDGE_ASSERTION_HEADER,
      assertion,
    );
    return this.#span?.passOn(headers) ?? headers;
  }

  #fail(error: Error): void {
    if (isGone(this.#response)) return;
    if (error instanceof BodyTooLargeError || error.cause instanceof BodyTooLargeError) {
      this.#refuse(tooLarge(this.#environment.limits.bodyMaxBytes), { close: true });
      return;
    }
    this.#environment.log.failure("the worker did not answer", error, this.#requestId);
    this.#refuse({
      code: "gateway_unavailable",
      detail: "the gateway worker did not answer",
      explanation: {
        reason: error.message,
        hint: "look for the worker's own output above; sallyport dev restarts a worker that ended",
      },
    });
  }

  #upgrade(upgrade: UpgradeSocket, headers: string[], upstreamSocket: Duplex): void {
    acceptUpgrade(this.#response as ServerResponse, upgrade, headers, upstreamSocket);
    this.#environment.upgraded.join(this.#connection, upgrade.socket, upstreamSocket, (cutReason) =>
      this.#logEnd(101, cutReason),
    );
  }

  #refuse(refusal: Refusal, options: { close?: boolean } = {}): void {
    if (options.close) this.#closeAfterwards();
    this.#request.resume();
    this.#environment.problems.respond(this.#response, { ...refusal, path: this.#path, requestId: this.#requestId });
  }

  /** HTTP/1.1: `Connection: close`; HTTP/2: GOAWAY, and the end once open streams are answered. */
  #closeAfterwards(): void {
    const response = this.#response;
    if ("stream" in response) {
      const { session } = response.stream;
      if (session !== undefined && !session.closed) session.close();
    } else response.shouldKeepAlive = false;
  }

  #logEnd(status: number, cutReason?: string): void {
    const record: RequestRecord = {
      requestId: this.#requestId,
      traceId: this.#span?.traceId,
      method: this.#request.method ?? "",
      path: this.#path,
      status,
      route: this.#route,
      durationMs: performance.now() - this.#startedMs,
      connection: this.#connection,
      verdict: this.#verdict,
      isComplete: this.#response.writableFinished || status === 101,
      cutReason,
    };
    this.#environment.log.request(record);
    this.#span?.end(record);
  }
}

/** What nginx logs for a client that did not wait for an answer */
const CLIENT_CLOSED_REQUEST = 499;

const HEADERS_TOO_LARGE: Refusal = { code: "headers_too_large", detail: "the request's headers are too large" };

const UPGRADE_WITH_BODY: Refusal = { code: "bad_request", detail: "a WebSocket request has no body" };

/** The HTTP/1.1 parser counts by itself; HTTP/2's limits are Node's own and larger, so that this answer can be given. */
function hasTooLargeHeaders(request: HttpRequest, limits: IngressLimits): boolean {
  if (request.httpVersionMajor === 1) return false;
  if (request.rawHeaders.length > limits.headersMaxCount * 2) return true;
  const bytes = request.rawHeaders.reduce((total, text) => total + text.length, 0);
  return bytes > limits.headersMaxBytes;
}

function refuse(refusal: Refusal): Admission {
  return { ok: false, refusal };
}

function notActive(hostname: string): Refusal {
  return {
    code: "misdirected_request",
    detail: "the Host of the request is not an active domain of this gateway",
    explanation: {
      reason: `"${hostname}" is not an active domain`,
      hint: "use the host name that the ready block printed, or add the domain and verify it",
    },
  };
}

function tooLarge(limitBytes: number): Refusal {
  return { code: "request_too_large", detail: `the request body is larger than ${limitBytes} bytes` };
}
