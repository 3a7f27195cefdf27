/** What the account has: the domain, and CA certificates at all. */
import type { Check } from "./checks.ts";
import { count } from "./names.ts";

export const domainCheck: Check = {
  name: "domain",
  describe({ trust }) {
    if (trust.account === undefined)
      return `"${trust.domain}" is taken for an active domain: no control plane was asked`;
    return `"${trust.domain}" is an active domain of account "${trust.account}"`;
  },
  findProblem({ trust: { domain, domains, isDomainActive, account } }) {
    if (isDomainActive) return undefined;
    if (domains.some(({ hostname }) => hostname === domain)) {
      return {
        text: `"${domain}" is not active yet: no CA certificate applies on it`,
        hint: `set its DNS record, then: sallyport custom-domain verify --hostname ${domain}`,
      };
    }
    const active = domains.filter(({ isActive }) => isActive).map(({ hostname }) => hostname);
    const others = active.length === 0 ? "" : `; the account's active domains are ${active.slice(0, 10).join(", ")}`;
    return {
      text: `"${domain}" is not a domain of account "${account}": requests for it end with 421`,
      hint: `add it with sallyport custom-domain create --hostname ${domain}, or name another one with --domain${others}`,
    };
  },
};

export const uploadsCheck: Check = {
  name: "uploads",
  describe: ({ trust }) => `${count(trust.caSet.caCertificates.length, "CA certificate")} ${sourceOf(trust.account)}`,
  findProblem: ({ trust }) =>
    trust.caSet.caCertificates.length > 0
      ? undefined
      : {
          text: `account "${trust.account}" has no CA certificate: nobody can verify`,
          hint: "upload the root: sallyport ca-certificate create --name my_ca --cert root.pem",
        },
};

function sourceOf(account: string | undefined): string {
  return account === undefined ? "given with --ca" : `uploaded to account "${account}"`;
}
