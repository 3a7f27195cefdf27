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
  /** Everything that is in use, an account at a time */
  accounts(): Iterable<CompiledAccount>;
  /** Swaps `bundle` in. An unchanged CA set keeps its object and all that was built on it. */
  replace(bundle: TrustBundle): void;
  /** Called after each swap */
  onChange(listener: () => void): void;
}

/** An account's document, and what was made of it */
export interface CompiledAccount {
  readonly document: AccountTrust;
  caSet: AccountCaSet;
}

export function createTrustStore(initial: TrustBundle): TrustStore {
  let epoch = 0;
  let version = "";
  let compiled = new Map<string, CompiledAccount>();
  const domains = new Map<string, Domain>();
  const listeners: (() => void)[] = [];

  /** Touches only what belongs to accounts that changed: a document that is the same object is known already. */
  function replace(bundle: TrustBundle): void {
    const next = new Map<string, CompiledAccount>();
    const fresh: CompiledAccount[] = [];
    for (const document of bundle.accounts) {
      const known = compiled.get(document.account);
      const account = known?.document === document ? known : compileAccount(document, known);
      next.set(document.account, account);
      if (account !== known) fresh.push(account);
    }
    const stale = [...compiled.values()].filter((account) => next.get(account.document.account) !== account);
    for (const { document } of stale) {
      for (const { hostname } of document.domains) domains.delete(hostname);
    }
    for (const { document, caSet } of fresh) {
      for (const { hostname, project } of document.domains) domains.set(hostname, { hostname, project, caSet });
    }
    compiled = next;
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
    accounts: () => compiled.values(),
    findAccount: (name) => compiled.get(name)?.document,
    replace,
    onChange: (listener) => listeners.push(listener),
  };
}

/**
 * Compared by content, never by the version alone: a version that somebody forgot to change must not keep a removed CA
 * certificate alive.
 */
function compileAccount(document: AccountTrust, known: CompiledAccount | undefined): CompiledAccount {
  const isSame = known !== undefined && isDeepStrictEqual(known.document.caCertificates, document.caCertificates);
  return { document, caSet: isSame ? known.caSet : compileCaSet(document, known?.caSet) };
}

/**
 * Index key of a printed distinguished name. Coarser than OpenSSL's comparison (which folds case and white space), so
 * that it finds every candidate; who uses it compares for real with `checkIssued`.
 */
export function subjectKey(printedName: string | undefined): string {
  return (printedName ?? "").toLowerCase().replace(/[\s\\]+/g, "");
}

/**
 * What only a verdict needs is made when the first one asks: most accounts of a large bundle have no client here, and an
 * X509Certificate holds 6 KiB of OpenSSL's. The bundle was checked, so there is nothing in it that OpenSSL does not read.
 *
 * @param known an earlier set of the account: what is still in it keeps its object, and verdicts that rest on that too
 */
export function compileCaSet(
  { account, caCertificates: bundled }: Pick<AccountTrust, "account" | "caCertificates">,
  known?: AccountCaSet,
): AccountCaSet {
  const knownById = new Map(known?.caCertificates.map((ca) => [ca.id, ca]));
  const caCertificates = bundled.map((ca) => compileCaCertificate(ca, knownById.get(ca.id)));
  let byFingerprint: AccountCaSet["byFingerprint"] | undefined;
  let bySubject: AccountCaSet["bySubject"] | undefined;
  return {
    account,
    caCertificates,
    get byFingerprint() {
      byFingerprint ??= new Map(caCertificates.map((ca) => [ca.x509.fingerprint256, ca]));
      return byFingerprint;
    },
    get bySubject() {
      bySubject ??= Map.groupBy(caCertificates, (ca) => subjectKey(ca.x509.subject));
      return bySubject;
    },
  };
}

function compileCaCertificate(
  { id, name, certificate: pem }: BundledCaCertificate,
  known: CaCertificate | undefined,
): CaCertificate {
  if (known?.name === name && known.pem === pem) return known;
  let x509: X509Certificate | undefined;
  return {
    id,
    name,
    pem,
    get x509() {
      x509 ??= new X509Certificate(pem);
      return x509;
    },
  };
}
