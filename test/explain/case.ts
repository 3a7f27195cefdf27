/** One case, and what the tables of cases are written with. */

import type { CheckName } from "../../cli/explain/checks.ts";
import type { CertificateOptions } from "../../fixtures/pki/certificate.ts";
import type { CertificateAuthority, IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import type { Identity } from "../edge/harness/client.ts";
import type { Authorities, HostName } from "./authorities.ts";

export interface Case {
  name: string;
  host: HostName;
  make: (authorities: Authorities) => Promise<Identity>;
  /** The checks that explain a failure; none when it verifies */
  failing: CheckName[];
}

export type Make = Case["make"];
export type Rows = Record<string, [make: Make, ...failing: CheckName[]]>;

export function casesOf(host: HostName, rows: Rows): Case[] {
  return Object.entries(rows).map(([name, [make, ...failing]]) => ({ name, host, make, failing }));
}

/** A leaf of the usual root. */
export const leaf =
  (options: Partial<CertificateOptions> = {}): Make =>
  ({ root }) =>
    root.issue({ subject: "CN=client", ...options });

/** A leaf of another authority. */
export const under =
  (name: keyof Authorities, options: Partial<CertificateOptions> = {}): Make =>
  (authorities) =>
    authorities[name].issue({ subject: "CN=client", ...options });

/** A leaf behind an intermediate of the usual root. */
export const behind =
  (intermediate: Partial<CertificateOptions>, options: Partial<CertificateOptions> = {}): Make =>
  async ({ root }) => {
    const authority = await root.issueIntermediate({ subject: "CN=between", ...intermediate });
    return authority.issue({ subject: "CN=client", ...options });
  };

/** The first one's key with these certificates in this order. */
export function send(first: IssuedCertificate, ...others: { certificatePem: string }[]): Identity {
  const chainPem = [first, ...others].map(({ certificatePem }) => certificatePem).join("");
  return { keyPem: first.keyPem, chainPem };
}

export async function issueUnder(authority: CertificateAuthority, options: Partial<CertificateOptions> = {}) {
  return authority.issue({ subject: "CN=client", ...options });
}
