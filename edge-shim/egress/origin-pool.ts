/**
 * Connections to one origin that present one version of one certificate, and nothing else: a pool is never shared
 * between certificates (APISIX #13587) and never outlives a version. When its certificate is rotated or disabled it is
 * retired: nothing more is written to its connections, and those that are open are closed.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Dispatcher, Pool } from "undici";
import type { AddressRules } from "./addresses.ts";
import type { PresentableCertificate } from "./certificates.ts";
import type { EgressLimits } from "./limits.ts";
import { createOriginConnector, type OriginConnector } from "./origin-connector.ts";

/** The certificate changed: before anything of the request was written, it may be sent again, with the present one. */
export class RetiredPoolError extends Error {
  readonly code = "EGRESS_POOL_RETIRED";

  constructor() {
    super("the client certificate was rotated, disabled or deleted");
    this.name = "RetiredPoolError";
  }
}

/** A server that refuses a certificate does so as soon as it has seen it */
const ALERT_WAIT_MS = 500;

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
  readonly #limits: EgressLimits;
  readonly #isHttp1Only: boolean;
  readonly #connectOrigin: OriginConnector;
  readonly #connecting = new Set<Socket>();
  readonly #webSockets = new Set<Duplex>();
  readonly #whenClosed = Promise.withResolvers<void>();
  #pool: Pool | undefined;
  #state: "open" | "closing" | "draining" | "cut" = "open";
  #drainLimit: NodeJS.Timeout | undefined;
  #hasSpokenHttp2 = false;
  #lastAlert: { error: Error; atMs: number } | undefined;
  #listening: Promise<void> | undefined;

  constructor({ origin, certificate, addresses, limits, isHttp1Only }: OriginPoolOptions) {
    this.origin = origin;
    this.certificate = certificate;
    this.#limits = limits;
    this.#isHttp1Only = isHttp1Only;
    this.#connectOrigin = createOriginConnector({
      certificate,
      addresses,
      limits,
      isHttp1Only,
      onAlert: (error) => {
        this.#lastAlert = { error, atMs: performance.now() };
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

  /**
   * Shakes hands once more and says nothing, so that {@link findAlertSince} finds an alert that was lost: a server that
   * closes with our bytes unread resets the connection, and Node drops the alert that it has not read by then.
   */
  listenForAlert(): Promise<void> {
    this.#listening ??= this.#connectAndListen().finally(() => {
      this.#listening = undefined;
    });
    return this.#listening;
  }

  #connectAndListen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { host, hostname, protocol, port } = new URL(this.origin);
    const target = { host, hostname: hostname.replace(/^\[|\]$/g, ""), protocol, port };
    const socket = this.isRetired
      ? undefined
      : this.#connectOrigin(target, (error, connected) => {
          if (error) resolve();
          else connected.resume();
        });
    if (socket === undefined) return Promise.resolve();
    this.#connecting.add(socket);
    const limit = setTimeout(() => socket.destroy(), ALERT_WAIT_MS);
    socket.once("close", () => {
      clearTimeout(limit);
      this.#connecting.delete(socket);
      resolve();
    });
    return promise;
  }

  get isRetired(): boolean {
    return this.#state === "draining" || this.#state === "cut";
  }

  /** Then headers go out when a request starts; under HTTP/1.1 undici keeps them back until the body begins. */
  get hasSpokenHttp2(): boolean {
    return this.#hasSpokenHttp2;
  }

  /** Resolves when nothing of it is open any more; only after {@link close} or {@link retire}. */
  get whenClosed(): Promise<void> {
    return this.#whenClosed.promise;
  }

  /** undici's, whose requests must call {@link assertUsable} before anything of them is written. */
  get dispatcher(): Dispatcher {
    this.#pool ??= this.#createPool();
    return this.#pool;
  }

  /** @throws RetiredPoolError when nothing may be written any more: undici may have queued a request for long */
  assertUsable(): void {
    if (this.isRetired) throw new RetiredPoolError();
  }

  /** Ends `socket` when the pool is retired. */
  adoptWebSocket(socket: Duplex): void {
    if (this.isRetired) socket.destroy(new RetiredPoolError());
    this.#webSockets.add(socket);
    socket.once("close", () => {
      this.#webSockets.delete(socket);
      this.#closeWhenDone();
    });
  }

  /** Takes no more requests, and ends when those that it has, and its WebSockets, are done: to make room. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#closeWhenDone();
  }

  /**
   * Idle connections, WebSockets and handshakes under way end now. Requests whose answer is under way are let finish
   * for a while after a rotation, so that none fails, and are cut where the certificate may not be used at all.
   */
  retire(how: "drain" | "cut"): void {
    if (this.#state === "cut" || (this.#state === "draining" && how === "drain")) return;
    this.#state = how === "cut" ? "cut" : "draining";
    for (const socket of [...this.#connecting, ...this.#webSockets]) socket.destroy(new RetiredPoolError());
    if (how === "cut") this.#pool?.destroy(new RetiredPoolError()).catch(() => {});
    else this.#drainLimit = setTimeout(() => this.retire("cut"), this.#limits.drainMs).unref();
    this.#closeWhenDone();
  }

  #createPool(): Pool {
    const { headersTimeoutMs, bodyTimeoutMs, keepAliveTimeoutMs } = this.#limits;
    const pool = new Pool(this.origin, {
      allowH2: !this.#isHttp1Only,
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAliveMaxTimeout: keepAliveTimeoutMs,
      headersTimeout: headersTimeoutMs,
      bodyTimeout: bodyTimeoutMs,
      connect: (target, callback) => {
        if (this.isRetired) {
          queueMicrotask(() => callback(new RetiredPoolError(), null));
          return;
        }
        const socket = this.#connectOrigin(target, (error, connected) => {
          if (socket !== undefined) this.#connecting.delete(socket);
          if (error) {
            this.#failWaiting(pool, error);
            callback(error, null);
          } else {
            this.#hasSpokenHttp2 ||= (connected as Socket & { alpnProtocol?: unknown }).alpnProtocol === "h2";
            callback(null, connected);
          }
        });
        if (socket !== undefined) this.#connecting.add(socket);
      },
    });
    return pool;
  }

  /**
   * Until it is known whether an origin speaks HTTP/2, undici lets all requests wait for one connection, and when that
   * fails tries the next one for the second of them alone: behind an origin that takes no connections the thousandth
   * would wait for a thousand time-outs. The failure speaks for all that waited for it.
   */
  #failWaiting(pool: Pool, error: Error): void {
    const { connected, queued } = pool.stats;
    if (connected > 0 || queued === 0) return;
    this.#pool = undefined;
    pool.destroy(error).catch(() => {});
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.#state === "open") return;
    const done = () => {
      // The last request may have become one: then its end comes back here.
      if (this.#webSockets.size > 0) return;
      clearTimeout(this.#drainLimit);
      this.#whenClosed.resolve();
    };
    if (this.#pool === undefined) done();
    else this.#pool.close().then(done, done);
  }
}
