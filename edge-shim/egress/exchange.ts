/**
 * The life of a worker's request in the egress, in order: token, target, certificate, pool, the exchange with the origin,
 * and where no answer came, why. A request whose certificate is rotated before it was written goes out with the new one.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import {
  EGRESS_CERTIFICATE_HEADER,
  EGRESS_FAILURE_HEADER,
  EGRESS_PROJECT_HEADER,
  EGRESS_TARGET_HEADER,
  EGRESS_TOKEN_HEADER,
} from "../../src/contract/egress.ts";
import { PROBLEMS } from "../../src/contract/problem.ts";
import { type ForwardedRequest, forward } from "../forwarding/forward.ts";
import { hasBody } from "../forwarding/request-body.ts";
import { acceptUpgrade, type UpgradeSocket } from "../forwarding/websocket.ts";
import type { FindCertificate, PresentableCertificate } from "./certificates.ts";
import type { EgressLog } from "./egress-log.ts";
import { type EgressFailure, explainFailure } from "./failure.ts";
import { type OriginPool, RetiredPoolError } from "./origin-pool.ts";
import type { OriginPools } from "./origin-pools.ts";
import { isInternalHeader, readRequestHeaders } from "./request-headers.ts";
import { parseTarget, type Target } from "./target.ts";
import type { EgressTokens } from "./token.ts";

export interface ExchangeEnvironment {
  readonly tokens: EgressTokens;
  readonly findCertificate: FindCertificate;
  readonly pools: OriginPools;
  readonly log: EgressLog;
  /** Milliseconds since the epoch */
  readonly clock: () => number;
}

/** Each is a rotation that came between finding the pool and writing the request. */
const ROTATIONS_MAX = 10;

const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
/** The other side had closed an idle connection when we wrote to it */
const CLOSED_CODES: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

/** One request. Made for it, thrown away after it. */
export class EgressExchange {
  readonly #environment: ExchangeEnvironment;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #startedMs = performance.now();
  readonly #project: string;
  readonly #name: string;
  #upgrade: UpgradeSocket | undefined;
  #target: Target | undefined;
  #certificate: PresentableCertificate | undefined;
  #failure: EgressFailure | undefined;
  /** Something of the request may have reached the origin, in the present attempt */
  #isSent = false;
  #rotations = 0;
  #hasRetried = false;

  constructor(environment: ExchangeEnvironment, request: IncomingMessage, response: ServerResponse) {
    this.#environment = environment;
    this.#request = request;
    this.#response = response;
    this.#project = readHeader(request, EGRESS_PROJECT_HEADER) ?? "";
    this.#name = readHeader(request, EGRESS_CERTIFICATE_HEADER) ?? "";
  }

  handle(upgrade?: UpgradeSocket): void {
    const { tokens } = this.#environment;
    this.#upgrade = upgrade;
    this.#response.sendDate = false;
    this.#response.on("error", () => this.#response.destroy());
    // Strangers are not written into the log: they could fill it.
    if (!tokens.isValid(readHeader(this.#request, EGRESS_TOKEN_HEADER) ?? "", this.#project)) {
      this.#refuse(FORBIDDEN, WRONG_TOKEN);
      return;
    }
    this.#response.on("close", () => this.#logEnd(this.#response.statusCode));
    const target = parseTarget(readHeader(this.#request, EGRESS_TARGET_HEADER));
    if (!target.ok) {
      this.#fail({ code: "origin_unreachable", reason: target.reason, hint: "give an absolute https URL" });
      return;
    }
    this.#target = target.target;
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
    try {
      const pool = pools.find({
        project: this.#project,
        origin: target.origin,
        certificate: found.certificate,
        isWebSocket: this.#upgrade !== undefined,
      });
      forward(pool.dispatcher, this.#describe(target, pool));
    } catch (error) {
      this.#fail(this.#explain(error, found.certificate));
    }
  }

  #describe(target: Target, pool: OriginPool): ForwardedRequest {
    const upgrade = this.#upgrade;
    return {
      method: this.#request.method ?? "GET",
      path: target.path,
      headers: readRequestHeaders(this.#request.rawHeaders),
      // Not touched before the request is written: until then it can be sent again.
      body: hasBody(this.#request) ? this.#request.iterator({ destroyOnReturn: false }) : undefined,
      response: this.#response,
      onStart: () => {
        pool.assertUsable();
        this.#isSent = true;
      },
      dropsHeader: isInternalHeader,
      onFailure: (error) => this.#retryOrFail(error, target, pool),
      ...(upgrade && { onUpgrade: (headers, socket) => this.#accept(upgrade, headers, socket, pool) }),
    };
  }

  #retryOrFail(error: Error, target: Target, pool: OriginPool): void {
    if (this.#response.destroyed) return;
    if (error instanceof RetiredPoolError && !this.#isSent && this.#rotations < ROTATIONS_MAX) {
      this.#rotations += 1;
      this.#attempt(target);
    } else if (this.#isSent && !this.#hasRetried && this.#isRepeatable(error)) {
      this.#hasRetried = true;
      this.#attempt(target);
    } else {
      this.#fail(this.#explainLost(error, pool));
    }
  }

  /** RFC 9110, section 9.2.2: what may be repeated when a kept-alive connection turns out to be closed. */
  #isRepeatable(error: NodeJS.ErrnoException): boolean {
    const isIdempotent = IDEMPOTENT_METHODS.has(this.#request.method ?? "");
    return isIdempotent && !hasBody(this.#request) && CLOSED_CODES.has(error.code ?? "");
  }

  /** A request that was cut because its certificate may no longer be used says so. */
  #explainLost(error: Error, pool: OriginPool): EgressFailure {
    const present = pool.isRetired ? this.#environment.findCertificate(this.#project, this.#name) : undefined;
    if (present?.ok === false) return present;
    return this.#explain(pool.findAlertSince(this.#startedMs) ?? error, pool.certificate);
  }

  #explain(error: unknown, certificate: PresentableCertificate): EgressFailure {
    const origin = this.#target?.origin ?? "";
    return explainFailure(error, { origin, certificate, nowMs: this.#environment.clock() });
  }

  #accept(upgrade: UpgradeSocket, headers: string[], origin: Duplex, pool: OriginPool): void {
    const { socket } = upgrade;
    acceptUpgrade(this.#response, upgrade, headers, origin);
    pool.adoptWebSocket(origin);
    pipeline(socket, origin, socket, () => {
      socket.destroy();
      origin.destroy();
      this.#logEnd(SWITCHING_PROTOCOLS);
    });
  }

  #fail({ code, reason, hint }: EgressFailure): void {
    this.#failure = { code, reason, hint };
    this.#refuse(PROBLEMS[code].status, this.#failure);
  }

  #refuse(status: number, { code, reason, hint }: EgressFailure): void {
    if (this.#response.headersSent) return;
    this.#request.resume();
    const body = Buffer.from(JSON.stringify({ reason, hint }));
    this.#response.writeHead(status, {
      "content-type": "application/json",
      "content-length": body.length,
      [EGRESS_FAILURE_HEADER]: code,
    });
    this.#response.end(body);
  }

  #logEnd(status: number): void {
    this.#environment.log.request({
      method: this.#request.method ?? "",
      project: this.#project,
      origin: this.#target?.origin ?? "",
      certificate: this.#name,
      ...(this.#certificate && { certificateVersion: this.#certificate.version }),
      status,
      durationMs: performance.now() - this.#startedMs,
      ...(this.#failure && { failure: this.#failure }),
    });
  }
}

const SWITCHING_PROTOCOLS = 101;
const FORBIDDEN = 403;

/** Told as a failure, so that the worker does not take it for the origin's answer. */
const WRONG_TOKEN: EgressFailure = {
  code: "mtls_certificate_not_found",
  reason: "the egress does not accept this worker's token for its project",
  hint: "start the worker with the SALLYPORT_EGRESS_* variables that this edge wrote into worker.env",
};

/** Undefined as well for a header that came twice: nobody could say which is meant. */
function readHeader(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name];
  return values?.length === 1 ? values[0] : undefined;
}
