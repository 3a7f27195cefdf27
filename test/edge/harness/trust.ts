/** A trust bundle that a test holds in its hands. */
import type { TrustSource, TrustSourceError } from "../../../edge-shim/trust/trust-source.ts";
import type { TrustBundle } from "../../../src/contract/trust-bundle.ts";

/** `{ acme: { domains: ["a.test"], caCertificates: { acme_ca: root } } }` */
export type Accounts = Record<
  string,
  {
    /** Each belongs to the project `<account>-project` unless given as `[hostname, project]` */
    domains?: (string | [hostname: string, project: string])[];
    /** By name; the id is `mtlsca_<name>` */
    caCertificates?: Record<string, { certificatePem: string }>;
  }
>;

let versions = 0;

export function createBundle(accounts: Accounts): TrustBundle {
  const version = `v${++versions}`;
  return {
    format: 1,
    version,
    accounts: Object.entries(accounts).map(([account, { domains = [], caCertificates = {} }]) => ({
      account,
      version,
      domains: domains.map((domain) => {
        const [hostname, project] = typeof domain === "string" ? [domain, `${account}-project`] : domain;
        return { hostname, project };
      }),
      caCertificates: Object.entries(caCertificates).map(([name, { certificatePem }]) => ({
        id: `mtlsca_${name}`,
        name,
        certificate: certificatePem,
      })),
    })),
  };
}

export interface MemoryTrustSource extends TrustSource {
  /** As if the source had a new bundle: takes effect before this returns */
  replace(accounts: Accounts): void;
  fail(error: TrustSourceError): void;
}

export function createMemoryTrustSource(initial: Accounts): MemoryTrustSource {
  let listeners: Parameters<TrustSource["watch"]> | undefined;
  return {
    load: async () => createBundle(initial),
    watch(...given) {
      listeners = given;
    },
    status: () => ({ state: "current" }),
    close() {
      listeners = undefined;
    },
    replace: (accounts) => listeners?.[0](createBundle(accounts)),
    fail: (error) => listeners?.[1](error),
  };
}
