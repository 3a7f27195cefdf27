/**
 * Text → trust bundle, or an error that names every problem. Everything in it is checked here, the certificates
 * included, so that an account with one unreadable CA certificate never becomes an account without CA certificates.
 */
import {
  type AccountTrust,
  type BundledCaCertificate,
  type TrustBundle,
  trustBundleSchema,
} from "../../src/contract/trust-bundle.ts";
import { readExpiry } from "./certificate-expiry.ts";
import { TrustSourceError } from "./trust-source.ts";

/** 64 MiB: far above 10,000 CA certificates, far below what would hurt the edge. */
const BUNDLE_MAX_BYTES = 64 * 1024 * 1024;

/** @throws TrustSourceError with every problem; `origin` says in messages where the text came from */
export function parseTrustBundle(text: string, origin: string): TrustBundle {
  if (Buffer.byteLength(text) > BUNDLE_MAX_BYTES) {
    throw new TrustSourceError(`"${origin}" is larger than ${BUNDLE_MAX_BYTES} bytes`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TrustSourceError(`"${origin}" is not a trust bundle: ${(cause as Error).message}`, { cause });
  }
  const parsed = trustBundleSchema.safeParse(json);
  if (!parsed.success) {
    throw new TrustSourceError(`"${origin}" is not a trust bundle`, {
      problems: parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    });
  }
  assertReadableCertificates(parsed.data.accounts, origin);
  return parsed.data;
}

/**
 * @param changed documents that are new in the bundle
 * @param others the rest of it, of which it is known that they fit together
 * @throws TrustSourceError with every host name that is in it twice
 */
export function assertNoConflicts(
  changed: readonly AccountTrust[],
  others: readonly AccountTrust[],
  origin: string,
): void {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  const complain = (account: string, hostname: string, owner: string) =>
    problems.push(`account "${account}": "${hostname}" belongs to account "${owner}" already`);
  for (const { account, domains } of changed) {
    for (const { hostname } of domains) {
      const owner = owners.get(hostname);
      if (owner !== undefined) complain(account, hostname, owner);
      owners.set(hostname, account);
    }
  }
  for (const { account: owner, domains } of others) {
    for (const { hostname } of domains) {
      const account = owners.get(hostname);
      if (account !== undefined) complain(account, hostname, owner);
    }
  }
  if (problems.length > 0) throw new TrustSourceError(`"${origin}" contradicts itself`, { problems });
}

/** @throws TrustSourceError with every CA certificate that OpenSSL does not read */
export function assertReadableCertificates(accounts: readonly AccountTrust[], origin: string): void {
  const problems: string[] = [];
  for (const { account, caCertificates } of accounts) {
    for (const ca of caCertificates) {
      const problem = findCertificateProblem(ca);
      if (problem !== undefined) problems.push(`account "${account}", CA certificate "${ca.name}": ${problem}`);
    }
  }
  if (problems.length > 0) throw new TrustSourceError(`"${origin}" has unreadable CA certificates`, { problems });
}

/** One certificate and no more: OpenSSL would trust every one in the text, and all but the first would have no name. */
function findCertificateProblem(ca: BundledCaCertificate): string | undefined {
  const count = ca.certificate.split("-----BEGIN ").length - 1;
  if (count !== 1) return `one PEM certificate is expected, found ${count} PEM blocks`;
  try {
    readExpiry(ca);
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}
