/**
 * The gateway worker behind the edge: kept-alive HTTP/1.1 connections (undici), over TCP or a unix socket.
 * One request a connection at a time: pipelining would let one slow response hold up others.
 */
import { Pool } from "undici";

/** Time for a connection to the worker, which is on this machine or in this rack */
const CONNECT_TIMEOUT_MS = 5_000;
/** Time for the worker's response headers. User code may wait for a slow origin; a client waits no longer than this. */
const HEADERS_TIMEOUT_MS = 100_000;
/** Below the idle time-outs of workerd and of Node servers, so that we close first and never write to a closed one */
const KEEP_ALIVE_TIMEOUT_MS = 4_000;

export interface UpstreamOptions {
  /** `http://127.0.0.1:8787` */
  url: string;
  /** Path of a unix socket to use instead of the URL's host and port */
  socketPath?: string;
}

export interface Upstream {
  /** Where requests go now */
  readonly dispatcher: Pool;
  /**
   * Sends requests elsewhere from now on. Resolves when what is under way on the old connections is answered.
   *
   * @throws TypeError as {@link createUpstream}
   */
  replace(options: UpstreamOptions): Promise<void>;
  destroy(): Promise<void>;
}

/** @throws TypeError when `url` is not an `http:` URL without path */
export function createUpstream(options: UpstreamOptions): Upstream {
  let dispatcher = openPool(options);
  return {
    get dispatcher() {
      return dispatcher;
    },
    replace(next) {
      const before = dispatcher;
      dispatcher = openPool(next);
      return before.close();
    },
    destroy: () => dispatcher.destroy(),
  };
}

function openPool(options: UpstreamOptions): Pool {
  const url = new URL(options.url);
  if (url.protocol !== "http:" || url.pathname !== "/" || url.search !== "" || url.username !== "") {
    throw new TypeError(`"${options.url}" is not an upstream, give http://host:port without path`);
  }
  return new Pool(url.origin, {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A stream of events may be silent for hours; the client's own time-outs and its leaving end a response.
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
    },
  });
}
