/** Says in the log that a certificate is about to expire: 30, 7 and 1 days before, and when it has; each once a start. */
import type { Logger } from "pino";
import { type CertificateExpiry, listExpiries } from "./metrics.ts";
import type { TrustStore } from "./trust/trust-store.ts";

const DAY_MS = 86_400_000;
const THRESHOLDS_DAYS = [0, 1, 7, 30];
const CHECK_INTERVAL_MS = 3_600_000;
/** The first look does not hold up a start */
const FIRST_CHECK_MS = 1_000;

export interface ExpiryWarnings {
  close(): void;
}

export function startExpiryWarnings(trust: TrustStore, logger: Logger, clock: () => number): ExpiryWarnings {
  const said = new Set<string>();

  function check(): void {
    const nowMs = clock();
    for (const expiry of listExpiries(trust)) warn(expiry, nowMs);
  }

  function warn({ kind, account, name, expiresMs }: CertificateExpiry, nowMs: number): void {
    const days = (expiresMs - nowMs) / DAY_MS;
    const threshold = THRESHOLDS_DAYS.find((limit) => days <= limit);
    const key = JSON.stringify([kind, account, name, expiresMs, threshold]);
    if (threshold === undefined || said.has(key)) return;
    said.add(key);
    const expires = new Date(expiresMs).toISOString();
    const state = days <= 0 ? "has expired" : `expires within ${threshold} ${threshold === 1 ? "day" : "days"}`;
    logger.warn({ event: "certificate_expiry", kind, account, name, expires }, `the ${kind} "${name}" ${state}`);
  }

  const first = setTimeout(check, FIRST_CHECK_MS).unref();
  const timer = setInterval(check, CHECK_INTERVAL_MS).unref();
  return {
    close() {
      clearTimeout(first);
      clearInterval(timer);
    },
  };
}
