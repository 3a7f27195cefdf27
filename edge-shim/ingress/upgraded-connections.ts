/**
 * WebSockets that the worker accepted. They have no next request at which a verdict could be looked at again, so it is
 * looked at when the trust changes and when the certificate expires, and a WebSocket that loses it is cut.
 */

import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import type { Domain, TrustStore } from "../trust/trust-store.ts";
import type { IngressConnection } from "./connection.ts";

/** Longest delay of a Node timer; a later expiry is looked at again then */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface UpgradedConnections {
  /** Joins the two sockets until one ends. `onEnd` is called once, with why the edge cut it, if it did. */
  join(connection: IngressConnection, client: Duplex, upstream: Duplex, onEnd: (cutReason?: string) => void): void;
  /** Ends them all. */
  close(): void;
}

export function createUpgradedConnections(trust: TrustStore, clock: () => number): UpgradedConnections {
  const checks = new Map<Duplex, () => void>();
  trust.onChange(() => {
    for (const check of [...checks.values()]) check();
  });

  return {
    join(connection, client, upstream, onEnd) {
      const wasVerified = connection.verdict.status === "SUCCESS";
      const acceptedBy = connection.domain;
      let timer: NodeJS.Timeout | undefined;
      let cutReason: string | undefined;

      function check(): void {
        clearTimeout(timer);
        connection.refresh(clock());
        const { verdict, domain } = connection;
        if (domain === undefined) cutReason = "the domain is no longer active";
        else if (!isSameOwner(domain, acceptedBy)) cutReason = "the domain moved to another account or project";
        else if (wasVerified && verdict.status === "FAILED") cutReason = verdict.reason;
        if (cutReason !== undefined) client.destroy();
        else if (verdict.status === "SUCCESS") {
          timer = setTimeout(check, Math.min(verdict.validUntilMs + 1 - clock(), TIMER_MAX_MS)).unref();
        }
      }

      checks.set(client, check);
      pipeline(client, upstream, client, () => {
        checks.delete(client);
        clearTimeout(timer);
        client.destroy();
        upstream.destroy();
        onEnd(cutReason);
      });
      check();
    },
    close() {
      for (const client of checks.keys()) client.destroy();
    },
  };
}

/** A worker that accepted a WebSocket for one account and project must not go on serving another's clients. */
function isSameOwner(domain: Domain, before: Domain | undefined): boolean {
  return domain.project === before?.project && domain.caSet.account === before.caSet.account;
}
