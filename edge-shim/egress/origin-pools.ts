/**
 * The open pools, one for each project, origin, certificate and version. Looked at again whenever the trust changes: a
 * pool whose certificate is no longer the present one is retired before anything else happens.
 */
import type { AddressRules } from "./addresses.ts";
import type { FindCertificate, PresentableCertificate } from "./certificates.ts";
import type { EgressLimits } from "./limits.ts";
import { OriginPool } from "./origin-pool.ts";

export interface PoolKey {
  /** `account/project` */
  project: string;
  /** `https://host:port` */
  origin: string;
  certificate: PresentableCertificate;
  isWebSocket: boolean;
}

export interface OriginPools {
  /** @throws OpenSSL's error when the certificate and its key cannot be used */
  find(key: PoolKey): OriginPool;
  /** Retires what is outdated; to be called after each change of trust. */
  review(): void;
  /** Ends every connection. */
  close(): void;
}

interface Entry {
  project: string;
  pool: OriginPool;
}

export function createOriginPools(
  findCertificate: FindCertificate,
  addresses: AddressRules,
  limits: EgressLimits,
): OriginPools {
  /** The least recently used first */
  const entries = new Map<string, Entry>();
  /** No longer given out, with requests or WebSockets that are not done: a certificate that is disabled ends them, too */
  const leaving = new Set<Entry>();

  function open({ project, origin, certificate, isWebSocket }: PoolKey): Entry {
    const pool = new OriginPool({ origin, certificate, addresses, limits, isHttp1Only: isWebSocket });
    return { project, pool };
  }

  function letGo(name: string, entry: Entry): void {
    entries.delete(name);
    leaving.add(entry);
    void entry.pool.whenClosed.then(() => leaving.delete(entry));
  }

  function retire(name: string, entry: Entry, how: "drain" | "cut"): void {
    letGo(name, entry);
    entry.pool.retire(how);
  }

  function dropLeastRecentlyUsed(): void {
    const [oldest] = entries;
    if (entries.size <= limits.poolsMax || oldest === undefined) return;
    letGo(...oldest);
    oldest[1].pool.close();
  }

  function review({ project, pool }: Entry): "stays" | "drain" | "cut" {
    const { certificate } = pool;
    const found = findCertificate(project, certificate.name);
    // Another certificate may have taken the name of one that was deleted.
    if (!found.ok || found.certificate.id !== certificate.id) return "cut";
    return found.certificate.isSameAs(certificate) ? "stays" : "drain";
  }

  return {
    find(key) {
      const name = [key.project, key.origin, key.certificate.name, key.isWebSocket].join(" ");
      const known = entries.get(name);
      const isCurrent = known?.pool.certificate.isSameAs(key.certificate) === true;
      if (known !== undefined && !isCurrent) retire(name, known, "drain");
      const entry = isCurrent ? known : open(key);
      entries.delete(name);
      entries.set(name, entry);
      dropLeastRecentlyUsed();
      return entry.pool;
    },
    review() {
      for (const entry of leaving) {
        const verdict = review(entry);
        if (verdict !== "stays") entry.pool.retire(verdict);
      }
      for (const [name, entry] of [...entries]) {
        const verdict = review(entry);
        if (verdict !== "stays") retire(name, entry, verdict);
      }
    },
    close() {
      for (const { pool } of [...entries.values(), ...leaving]) pool.retire("cut");
      entries.clear();
    },
  };
}
