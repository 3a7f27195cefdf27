/**
 * What the edge trusts right now: active domains, the account that owns each, and that account's CA set. A new bundle
 * is swapped in whole, with a new epoch; requests on open connections compare epochs (ingress/connection.ts).
 */
import { X509Certificate } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { AccountTrust, BundledCaCertificate, TrustBundle } from "../../src/contract/trust-bundle.ts";

/** An uploaded CA certificate, ready to be compared with what a client presented. */
export interface CaCertificate {
  readonly id: string;
  readonly name: string;
  readonly pem: string;
  readonly x509: X509Certificate;
}

/** The CA set of one account. Immutable: a change makes a new object, and an unchanged set keeps its object. */
export interface AccountCaSet {
  readonly account: string;
  readonly caCertificates: readonly CaCertificate[];
  /** Keyed by uppercase SHA-256 fingerprint with colons, as `X509Certificate.fingerprint256` gives it */
  readonly byFingerprint: ReadonlyMap<string, CaCertificate>;
  /** Keyed by {@link subjectKey}: several for a rotation that keeps the DN */
  readonly bySubject: ReadonlyMap<string, readonly CaCertificate[]>;
}

export interface Domain {
  readonly hostname: string;
  readonly project: string;
  readonly caSet: AccountCaSet;
}

export interface TrustStore {
  /** Grows by one with each bundle */
  readonly epoch: number;
  readonly version: string;
  /** The active domain of that name; `hostname` must come from `parseHostname` */
  findDomain(hostname: string): Domain | undefined;
  /** An account's present document, for what the egress needs of it; an unchanged one stays the same object */
  findAccount(name: string): AccountTrust | undefined;
  /** Swaps `bundle` in. An unchanged CA set keeps its object and all that was built on it. */
  replace(bundle: TrustBundle): void;
  /** Called after each swap */
  onChange(listener: () => void): void;
}

interface CompiledAccount {
  document: AccountTrust;
  caSet: AccountCaSet;
}

export function createTrustStore(initial: TrustBundle): TrustStore {
  let epoch = 0;
  let version = "";
  let compiled = new Map<string, CompiledAccount>();
  let domains = new Map<string, Domain>();
  const listeners: (() => void)[] = [];

  function replace(bundle: TrustBundle): void {
    const next = new Map<string, CompiledAccount>();
    const nextDomains = new Map<string, Domain>();
    for (const account of bundle.accounts) {
      const known = compiled.get(account.account);
      // Compared by content, never by the version alone: a version that somebody forgot to change must not keep a
      // removed CA certificate alive.
      const caSet =
        known !== undefined && isDeepStrictEqual(known.document.caCertificates, account.caCertificates)
          ? known.caSet
          : compileCaSet(account);
      next.set(account.account, { document: account, caSet });
      for (const { hostname, project } of account.domains) nextDomains.set(hostname, { hostname, project, caSet });
    }
    compiled = next;
    domains = nextDomains;
    version = bundle.version;
    epoch += 1;
    for (const listener of listeners) listener();
  }

  replace(initial);
  return {
    get epoch() {
      return epoch;
    },
    get version() {
      return version;
    },
    findDomain: (hostname) => domains.get(hostname),
    findAccount: (name) => compiled.get(name)?.document,
    replace,
    onChange: (listener) => listeners.push(listener),
  };
}

/**
 * Index key of a printed distinguished name. Coarser than OpenSSL's comparison (which folds case and white space), so
 * that it finds every candidate; who uses it compares for real with `checkIssued`.
 */
export function subjectKey(printedName: string | undefined): string {
  return (printedName ?? "").toLowerCase().replace(/[\s\\]+/g, "");
}

/** @throws when OpenSSL does not read one of the certificates */
export function compileCaSet(trust: Pick<AccountTrust, "account" | "caCertificates">): AccountCaSet {
  const caCertificates = trust.caCertificates.map(compileCaCertificate);
  return {
    account: trust.account,
    caCertificates,
    byFingerprint: new Map(caCertificates.map((ca) => [ca.x509.fingerprint256, ca])),
    bySubject: Map.groupBy(caCertificates, (ca) => subjectKey(ca.x509.subject)),
  };
}

function compileCaCertificate(ca: BundledCaCertificate): CaCertificate {
  return { id: ca.id, name: ca.name, pem: ca.certificate, x509: new X509Certificate(ca.certificate) };
}
