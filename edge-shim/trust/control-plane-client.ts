/** What an edge asks of the control plane: the index, account documents, and the stream that says when to ask again. */
import { fetch, WebSocket } from "undici";
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

export interface ControlPlaneClient {
  /** Undefined when `knownVersion` is the present one. @throws TrustSourceError */
  readIndex(knownVersion: string | undefined): Promise<TrustBundleIndex | undefined>;
  /** An account that is gone is left out. @throws TrustSourceError */
  readAccounts(names: readonly string[]): Promise<AccountTrust[]>;
  openEvents(): WebSocket;
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
    if (!response.ok) throw refusal(base.origin, response.status, await response.text());
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    throw new TrustSourceError(`the control plane "${base.origin}" answered with something else than a trust bundle`, {
      problems: parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    });
  }

  return {
    readIndex: (knownVersion) =>
      get(
        "/v1/edge/bundle",
        trustBundleIndexSchema,
        knownVersion === undefined ? {} : { "if-none-match": `"${knownVersion}"` },
      ),
    async readAccounts(names) {
      const accounts: AccountTrust[] = [];
      for (let start = 0; start < names.length; start += ACCOUNT_TRUST_LIST_MAX_ACCOUNTS) {
        const batch = names
          .slice(start, start + ACCOUNT_TRUST_LIST_MAX_ACCOUNTS)
          .map((name): [string, string] => ["account", name]);
        const list = await get(`/v1/edge/bundle/accounts?${new URLSearchParams(batch)}`, accountTrustListSchema);
        accounts.push(...(list?.accounts ?? []));
      }
      return accounts;
    },
    openEvents() {
      const events = new URL("/v1/edge/events", base);
      events.protocol = base.protocol === "https:" ? "wss:" : "ws:";
      return new WebSocket(events, { headers: { authorization } });
    },
  };
}

function explain(error: Error): string {
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
