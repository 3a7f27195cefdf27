/**
 * Trust from a control plane: pulled when the control plane says that something changed, every 30 s in case it could not
 * say so, and kept on disk, so that an edge starts and serves while the control plane is away. A bundle is used whole or
 * not at all; whatever goes wrong, the last good one stays.
 */
import type { WebSocket } from "undici";
import { type AccountTrust, bundleEventSchema, type TrustBundle } from "../../src/contract/trust-bundle.ts";
import { readOptional, writeWhole } from "../files.ts";
import { type ControlPlaneClient, type ControlPlaneOptions, createControlPlaneClient } from "./control-plane-client.ts";
import { assertNoConflicts, assertReadableCertificates, parseTrustBundle } from "./parse-trust-bundle.ts";
import { type TrustSource, TrustSourceError, type TrustSourceStatus } from "./trust-source.ts";

const POLL_INTERVAL_MS = 30_000;
const RECONNECT_MIN_MS = 250;
const RECONNECT_MAX_MS = 15_000;
/** A connection that answers no ping in this time is taken for dead */
const PING_INTERVAL_MS = 10_000;
/** An index and documents that did not fit together were read around a write; soon after, they do */
const RETRY_MS = 1_000;
const ORIGIN = "the control plane's trust bundle";

export interface ControlTrustSourceOptions extends ControlPlaneOptions {
  /** Where the last good bundle is kept, 0600 */
  cachePath: string;
}

/** @throws TypeError when the URL is none */
export function createControlTrustSource(options: ControlTrustSourceOptions): TrustSource {
  const client = createControlPlaneClient(options);
  let current: TrustBundle | undefined;
  let status: TrustSourceStatus = { state: "stale", reason: "nothing was read yet" };
  let isClosed = false;
  let pulling: Promise<void> | undefined;
  let isAskedAgain = false;
  let deliver: (bundle: TrustBundle) => void = () => {};
  let complain: (error: TrustSourceError) => void = () => {};
  let events: EventStream | undefined;
  let poll: NodeJS.Timeout | undefined;
  let retry: NodeJS.Timeout | undefined;

  async function pullOnce(): Promise<TrustBundle | undefined> {
    const fresh = await readBundle(client, current);
    status = { state: "current" };
    if (fresh === undefined) return undefined;
    current = fresh;
    return fresh;
  }

  /** Keeps `bundle` for the next start. That it cannot be kept is no reason not to use it. */
  function keep(bundle: TrustBundle): void {
    try {
      writeWhole(options.cachePath, JSON.stringify(bundle), 0o600);
    } catch (cause) {
      complain(
        new TrustSourceError(`"${options.cachePath}" cannot be written: ${(cause as Error).message}`, { cause }),
      );
    }
  }

  async function pull(): Promise<void> {
    try {
      const fresh = await pullOnce();
      if (fresh === undefined || isClosed) return;
      deliver(fresh);
      keep(fresh);
    } catch (error) {
      if (isClosed) return;
      report(error as TrustSourceError);
      clearTimeout(retry);
      if ((error as TrustSourceError).problems?.length > 0) retry = setTimeout(askForPull, RETRY_MS).unref();
    }
  }

  /** Says each reason once, not at every poll. */
  function report(error: TrustSourceError): void {
    const isNews = status.state === "current" || status.reason !== error.message;
    status = describeFailure(error);
    if (isNews) complain(error);
  }

  /** One pull at a time; what is asked for meanwhile is one more after it. */
  function askForPull(): void {
    if (isClosed) return;
    if (pulling !== undefined) {
      isAskedAgain = true;
      return;
    }
    pulling = pull().finally(() => {
      pulling = undefined;
      if (!isAskedAgain) return;
      isAskedAgain = false;
      askForPull();
    });
  }

  return {
    async load() {
      try {
        const fresh = await pullOnce();
        if (fresh !== undefined) keep(fresh);
      } catch (error) {
        current = readKept(options.cachePath, error as TrustSourceError);
        status = describeFailure(error as TrustSourceError);
      }
      return current as TrustBundle;
    },
    watch(onBundle, onError) {
      deliver = onBundle;
      complain = onError;
      if (status.state !== "current") complain(new TrustSourceError(status.reason));
      events = followEvents(client, {
        onVersion(version) {
          if (version !== current?.version || status.state !== "current") askForPull();
        },
        // Asked at once, so that log and readiness say why the stream ended.
        onLoss: askForPull,
      });
      poll = setInterval(askForPull, POLL_INTERVAL_MS).unref();
    },
    status: () => status,
    close() {
      isClosed = true;
      clearInterval(poll);
      clearTimeout(retry);
      events?.close();
    },
  };
}

/**
 * The present bundle; undefined when `known` is it. Only changed documents travel and are looked into: an unchanged one
 * stays the same object, and what was compiled from it stays in use.
 */
async function readBundle(
  client: ControlPlaneClient,
  known: TrustBundle | undefined,
): Promise<TrustBundle | undefined> {
  const index = await client.readIndex(known?.version);
  if (index === undefined) return undefined;
  const documents = new Map(known?.accounts.map((account) => [account.account, account]));
  const changed = index.accounts.filter(({ account, version }) => documents.get(account)?.version !== version);
  const fetched = await client.readAccounts(changed.map(({ account }) => account));
  assertReadableCertificates(fetched, ORIGIN);
  for (const { account } of changed) documents.delete(account);
  for (const document of fetched) documents.set(document.account, document);
  const accounts = index.accounts
    .map(({ account }) => documents.get(account))
    .filter((document): document is AccountTrust => document !== undefined);
  assertNoConflicts(accounts, ORIGIN);
  return { format: 1, version: index.version, accounts };
}

/** @throws TrustSourceError `reason` when there is nothing to start from */
function readKept(path: string, reason: TrustSourceError): TrustBundle {
  const text = readOptional(path);
  if (text === undefined) throw reason;
  return parseTrustBundle(text, path);
}

function describeFailure({ isRefusal, message }: TrustSourceError): TrustSourceStatus {
  return { state: isRefusal ? "refused" : "stale", reason: message };
}

interface EventStream {
  close(): void;
}

/** Stays connected, with growing, jittered pauses between attempts: a restart must not bring all edges back at once. */
function followEvents(
  client: ControlPlaneClient,
  { onVersion, onLoss }: { onVersion(version: string): void; onLoss(): void },
): EventStream {
  let socket: WebSocket | undefined;
  let pauseMs = RECONNECT_MIN_MS;
  let reconnect: NodeJS.Timeout | undefined;
  let ping: NodeJS.Timeout | undefined;
  let isAnswered = true;
  let isClosed = false;

  function end(): void {
    clearInterval(ping);
    if (isClosed || reconnect !== undefined) return;
    onLoss();
    reconnect = setTimeout(connect, pauseMs * (0.5 + Math.random())).unref();
    pauseMs = Math.min(pauseMs * 2, RECONNECT_MAX_MS);
  }

  function connect(): void {
    reconnect = undefined;
    const opened = client.openEvents();
    socket = opened;
    opened.addEventListener("open", () => {
      isAnswered = true;
      ping = setInterval(() => {
        if (!isAnswered) opened.close();
        isAnswered = false;
        opened.send("ping");
      }, PING_INTERVAL_MS).unref();
    });
    opened.addEventListener("message", ({ data }) => {
      isAnswered = true;
      pauseMs = RECONNECT_MIN_MS;
      const version = parseEvent(data);
      if (version !== undefined) onVersion(version);
    });
    opened.addEventListener("error", () => opened.close());
    opened.addEventListener("close", end);
  }

  connect();
  return {
    close() {
      isClosed = true;
      clearTimeout(reconnect);
      clearInterval(ping);
      socket?.close();
    },
  };
}

function parseEvent(data: unknown): string | undefined {
  try {
    return bundleEventSchema.parse(JSON.parse(String(data))).version;
  } catch {
    return undefined;
  }
}
