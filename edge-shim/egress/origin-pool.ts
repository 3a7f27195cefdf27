/**
 * Connections to one origin that present one version of one certificate, and nothing else: a pool is never shared
 * between certificates (APISIX #13587) and never outlives a version. When its certificate is rotated or disabled it is
 * retired: nothing more is written to its connections, and those that are open are closed.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { buildConnector, type Dispatcher, Pool } from "undici";
import type { AddressRules } from "./addresses.ts";
import type { PresentableCertificate } from "./certificates.ts";
import type { EgressLimits } from "./limits.ts";
import { findAlert } from "./tls-alert.ts";

/** The certificate changed before anything of the request was written: it may be sent again, with the present one. */
export class RetiredPoolError extends Error {
  readonly code = "EGRESS_POOL_RETIRED";

  constructor() {
    super("the client certificate was rotated or disabled before the request was sent");
    this.name = "RetiredPoolError";
  }
}

export interface OriginPoolOptions {
  /** `https://host:port` */
  origin: string;
  certificate: PresentableCertificate;
  addresses: AddressRules;
  limits: EgressLimits;
  /** For WebSockets, which undici begins on HTTP/1.1 connections only */
  isHttp1Only: boolean;
}

export class OriginPool {
  readonly origin: string;
  readonly certificate: PresentableCertificate;
  readonly #pool: Pool;
  readonly #drainMs: number;
  readonly #connecting = new Set<Socket>();
  readonly #webSockets = new Set<Duplex>();
  #isRetired = false;
  #lastAlert: { error: Error; atMs: number } | undefined;

  constructor({ origin, certificate, addresses, limits, isHttp1Only }: OriginPoolOptions) {
    this.origin = origin;
    this.certificate = certificate;
    this.#drainMs = limits.drainMs;
    const connectTls = buildConnector({
      secureContext: certificate.secureContext(),
      rejectUnauthorized: true,
      maxCachedSessions: 0,
      timeout: limits.connectTimeoutMs,
      lookup: addresses.lookup,
      allowH2: !isHttp1Only,
    });
    this.#pool = new Pool(origin, {
      allowH2: !isHttp1Only,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      headersTimeout: limits.headersTimeoutMs,
      bodyTimeout: limits.bodyTimeoutMs,
      connect: (options, callback) => {
        if (this.#isRetired) return callback(new RetiredPoolError(), null);
        try {
          addresses.check(options.hostname);
        } catch (error) {
          return callback(error as Error, null);
        }
        const socket = connectTls(options, (...outcome) => {
          this.#connecting.delete(socket);
          callback(...outcome);
        }) as unknown as Socket;
        this.#connecting.add(socket);
        socket.on("error", (error: Error) => {
          if (findAlert(error) !== undefined) this.#lastAlert = { error, atMs: performance.now() };
          // Under HTTP/2 nobody else does it: undici 8.12 would go on writing to the dead session for ever.
          socket.destroy();
        });
      },
    });
  }

  /**
   * The error of a connection that the origin ended with a TLS alert at `sinceMs` (of `performance.now`) or later. Under
   * TLS 1.3 a server looks at the client's certificate when the client thinks the handshake is over: the alert may meet
   * a request that is being written, and undici then reports what became of the request and not why.
   */
  findAlertSince(sinceMs: number): Error | undefined {
    return this.#lastAlert !== undefined && this.#lastAlert.atMs >= sinceMs ? this.#lastAlert.error : undefined;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** undici's, whose requests must call {@link assertUsable} in `onStart`. */
  get dispatcher(): Dispatcher {
    return this.#pool;
  }

  /** @throws RetiredPoolError when nothing may be written any more: undici may have queued a request for long */
  assertUsable(): void {
    if (this.#isRetired) throw new RetiredPoolError();
  }

  /** Ends `socket` when the pool is retired. */
  adoptWebSocket(socket: Duplex): void {
    if (this.#isRetired) socket.destroy();
    this.#webSockets.add(socket);
    socket.once("close", () => this.#webSockets.delete(socket));
  }

  /**
   * Idle connections, WebSockets and handshakes under way end now. Requests whose answer is under way are let finish
   * for a while after a rotation, so that none fails, and are cut where the certificate may not be used at all.
   */
  retire(how: "drain" | "cut"): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    for (const socket of [...this.#connecting, ...this.#webSockets]) socket.destroy(new RetiredPoolError());
    if (how === "cut") this.#destroy();
    else this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    const limit = setTimeout(() => this.#destroy(), this.#drainMs).unref();
    this.#pool.close().then(
      () => clearTimeout(limit),
      () => clearTimeout(limit),
    );
  }

  #destroy(): void {
    this.#pool.destroy(new RetiredPoolError()).catch(() => {});
  }
}
