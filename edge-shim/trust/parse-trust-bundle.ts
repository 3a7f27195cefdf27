/**
 * Text → trust bundle, or an error that names every problem. Everything in it is checked here, the certificates
 * included, so that an account with one unreadable CA certificate never becomes an account without CA certificates.
 */
import { X509Certificate } from "node:crypto";
import {
  type AccountTrust,
  findTrustConflicts,
  type TrustBundle,
  trustBundleSchema,
} from "../../src/contract/trust-bundle.ts";
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

/** @throws TrustSourceError with every account whose documents do not fit together */
export function assertNoConflicts(accounts: readonly AccountTrust[], origin: string): void {
  const problems = findTrustConflicts(accounts).map(({ path, message }) => `accounts.${path.join(".")}: ${message}`);
  if (problems.length > 0) throw new TrustSourceError(`"${origin}" contradicts itself`, { problems });
}

/** @throws TrustSourceError with every CA certificate that OpenSSL does not read */
export function assertReadableCertificates(accounts: readonly AccountTrust[], origin: string): void {
  const problems: string[] = [];
  for (const { account, caCertificates } of accounts) {
    for (const ca of caCertificates) {
      const problem = findCertificateProblem(ca.certificate);
      if (problem !== undefined) problems.push(`account "${account}", CA certificate "${ca.name}": ${problem}`);
    }
  }
  if (problems.length > 0) throw new TrustSourceError(`"${origin}" has unreadable CA certificates`, { problems });
}

/** One certificate and no more: OpenSSL would trust every one in the text, and all but the first would have no name. */
function findCertificateProblem(pem: string): string | undefined {
  const count = pem.split("-----BEGIN ").length - 1;
  if (count !== 1) return `one PEM certificate is expected, found ${count} PEM blocks`;
  try {
    new X509Certificate(pem);
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}
