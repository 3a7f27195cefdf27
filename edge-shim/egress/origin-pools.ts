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

  function open({ project, origin, certificate, isWebSocket }: PoolKey): Entry {
    const pool = new OriginPool({ origin, certificate, addresses, limits, isHttp1Only: isWebSocket });
    return { project, pool };
  }

  function dropLeastRecentlyUsed(): void {
    const [oldest] = entries;
    if (entries.size <= limits.poolsMax || oldest === undefined) return;
    entries.delete(oldest[0]);
    oldest[1].pool.retire("drain");
  }

  return {
    find(key) {
      const name = [key.project, key.origin, key.certificate.name, key.isWebSocket].join(" ");
      const known = entries.get(name);
      const isCurrent = known?.pool.certificate.isSameAs(key.certificate) === true;
      if (known !== undefined && !isCurrent) known.pool.retire("drain");
      const entry = isCurrent && known !== undefined ? known : open(key);
      entries.delete(name);
      entries.set(name, entry);
      dropLeastRecentlyUsed();
      return entry.pool;
    },
    review() {
      for (const [name, { project, pool }] of [...entries]) {
        const found = findCertificate(project, pool.certificate.name);
        if (found.ok && found.certificate.isSameAs(pool.certificate)) continue;
        entries.delete(name);
        pool.retire(found.ok ? "drain" : "cut");
      }
    },
    close() {
      for (const { pool } of entries.values()) pool.retire("cut");
      entries.clear();
    },
  };
}
