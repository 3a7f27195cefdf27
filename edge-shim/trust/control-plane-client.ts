/** What an edge asks of the control plane: the index, account documents, and the stream that says when to ask again. */
import type { Socket } from "node:net";
import { Agent, buildConnector, fetch, type Response, WebSocket } from "undici";
import type { ZodType } from "zod";
import {
  ACCOUNT_TRUST_LIST_MAX_ACCOUNTS,
  type AccountTrust,
  accountTrustListSchema,
  type TrustBundleIndex,
  trustBundleIndexSchema,
} from "../../src/contract/trust-bundle.ts";
import { TrustSourceError } from "./trust-source.ts";

const REQUEST_TIMEOUT_MS = 10_000;
/** 64 MiB an answer: far above a hundred documents, far below what would hurt the edge. */
const ANSWER_MAX_BYTES = 64 * 1024 * 1024;
/** An event names accounts, and no more. */
const EVENT_MAX_BYTES = 1024 * 1024;

/** The stream of events, which its other end may have forgotten without a word. */
export interface EventStream {
  readonly socket: WebSocket;
  /** Ends it at once, where `close` would wait for an answer for as long as TCP does. */
  destroy(): void;
}

export interface ControlPlaneClient {
  /**
   * Undefined when `knownVersion` is the present one; an index in any case when accounts are `named`, with as many of
   * their documents as one request may ask for. @throws TrustSourceError
   */
  readIndex(knownVersion: string | undefined, named: readonly string[]): Promise<TrustBundleIndex | undefined>;
  /** An account that is gone is left out. @throws TrustSourceError */
  readAccounts(names: readonly string[]): Promise<AccountTrust[]>;
  openEvents(): EventStream;
}

export interface ControlPlaneOptions {
  /** `http://127.0.0.1:8444` */
  url: string;
  /** An edge key, `spk_…` */
  apiKey: string;
}

/** @throws TypeError when `url` is no http(s) URL */
export function createControlPlaneClient({ url, apiKey }: ControlPlaneOptions): ControlPlaneClient {
  const base = new URL(url);
  if (!/^https?:$/.test(base.protocol))
    throw new TypeError(`"${url}" is not a control plane, give http(s)://host:port`);
  const authorization = `Bearer ${apiKey}`;

  async function get<Value>(path: string, schema: ZodType<Value>, headers: Record<string, string> = {}) {
    const response = await fetch(new URL(path, base), {
      headers: { authorization, ...headers },
      redirect: "error",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch((cause: Error) => {
      throw new TrustSourceError(`the control plane "${base.origin}" does not answer: ${explain(cause)}`, { cause });
    });
    if (response.status === 304) return undefined;
    const text = await readText(response, base.origin);
    if (!response.ok) throw refusal(base.origin, response.status, text);
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new TrustSourceError(`the control plane "${base.origin}" answered with something else than a trust bundle`, {
      problems: parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    });
  }

  return {
    readIndex(knownVersion, named) {
      const isNews = knownVersion === undefined || named.length > 0;
      const query = toQuery(named.slice(0, ACCOUNT_TRUST_LIST_MAX_ACCOUNTS));
      const headers: Record<string, string> = isNews ? {} : { "if-none-match": `"${knownVersion}"` };
      return get(`/v1/edge/bundle${query}`, trustBundleIndexSchema, headers);
    },
    async readAccounts(names) {
      const accounts: AccountTrust[] = [];
      for (let start = 0; start < names.length; start += ACCOUNT_TRUST_LIST_MAX_ACCOUNTS) {
        const query = toQuery(names.slice(start, start + ACCOUNT_TRUST_LIST_MAX_ACCOUNTS));
        const list = await get(`/v1/edge/bundle/accounts${query}`, accountTrustListSchema);
        accounts.push(...(list?.accounts ?? []));
      }
      return accounts;
    },
    openEvents() {
      const events = new URL("/v1/edge/events", base);
      events.protocol = base.protocol === "https:" ? "wss:" : "ws:";
      return openStream(events, { authorization });
    },
  };
}

function openStream(url: URL, headers: Record<string, string>): EventStream {
  const connect = buildConnector({ timeout: REQUEST_TIMEOUT_MS });
  let connection: Socket | undefined;
  const dispatcher = new Agent({
    headersTimeout: REQUEST_TIMEOUT_MS,
    webSocket: { maxPayloadSize: EVENT_MAX_BYTES },
    connect(target, callback) {
      connect(target, (...connected) => {
        connection = connected[1] ?? undefined;
        callback(...connected);
      });
    },
  });
  const socket = new WebSocket(url, { headers, dispatcher });
  socket.addEventListener("close", () => void dispatcher.destroy());
  return { socket, destroy: () => connection?.destroy() };
}

/** @throws TrustSourceError when the answer is too long, or not whole */
async function readText({ body }: Response, origin: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    // To leave the loop ends the connection.
    for await (const chunk of body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > ANSWER_MAX_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new TrustSourceError(`the control plane "${origin}" broke off its answer: ${explain(cause as Error)}`, {
      cause,
    });
  }
  if (bytes > ANSWER_MAX_BYTES) {
    throw new TrustSourceError(`the control plane "${origin}" answered with more than ${ANSWER_MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

/** Undefined for what is no JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `?account=…&account=…`, or nothing */
function toQuery(accounts: readonly string[]): string {
  const parameters = new URLSearchParams(accounts.map((name): [string, string] => ["account", name]));
  return accounts.length === 0 ? "" : `?${parameters}`;
}

function explain(error: Error): string {
  // A DOMException, whose code is a number
  if (error.name === "TimeoutError") return `nothing within ${REQUEST_TIMEOUT_MS} ms`;
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}

function refusal(origin: string, status: number, body: string): TrustSourceError {
  if (status === 401 || status === 403) {
    return new TrustSourceError(
      `the control plane "${origin}" refuses this edge's API key (${status}): make a new one with scope edge`,
      { isRefusal: true },
    );
  }
  return new TrustSourceError(`the control plane "${origin}" answered ${status}: ${body.slice(0, 200)}`);
}
