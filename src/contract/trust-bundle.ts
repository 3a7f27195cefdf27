/**
 * The trust bundle: everything an edge needs to judge client certificates, and to present its own. An account's
 * document carries its own version, so that a change in one account moves and rebuilds that account only.
 */
import { z } from "zod";
import { ENVIRONMENT_TYPES } from "./egress.ts";
import { hostnameSchema } from "./hostname.ts";

const caCertificateSchema = z.strictObject({
  /** `mtlsca_…` */
  id: z.string().min(1),
  name: z.string().min(1),
  /** PEM of one self-signed CA certificate */
  certificate: z.string().min(1),
});

const domainSchema = z.strictObject({
  /** Only active domains are in a bundle. Lower case, no port, no trailing dot. */
  hostname: hostnameSchema,
  project: z.string().min(1),
});

/**
 * A client certificate that the edge's egress presents to origins. `privateKey` travels from control plane to edge and
 * is kept in memory only: it is left out of what an edge writes to disk.
 */
const mtlsCertificateSchema = z.strictObject({
  /** `cert_…` */
  id: z.string().min(1),
  /** Changes with every upload of a new certificate under the same name; opaque */
  version: z.string().min(1),
  name: z.string().min(1),
  project: z.string().min(1),
  environmentTypes: z.array(z.enum(ENVIRONMENT_TYPES)),
  isDisabled: z.boolean(),
  /** PEM: leaf, then intermediates in order */
  certificate: z.string().min(1),
  /** PEM (PKCS #8) */
  privateKey: z.string().min(1).optional(),
});

/** A private CA whose server certificates the egress accepts for a project's origins, beside the public roots. */
const originCaCertificateSchema = z.strictObject({
  /** `oca_…` */
  id: z.string().min(1),
  name: z.string().min(1),
  project: z.string().min(1),
  /** PEM of one self-signed CA certificate */
  certificate: z.string().min(1),
});

/** One account's document: `GET /v1/edge/bundle/accounts/{account}`. */
export const accountTrustSchema = z.strictObject({
  account: z.string().min(1),
  /** Changes whenever anything in this document changes; opaque. */
  version: z.string().min(1),
  caCertificates: z.array(caCertificateSchema),
  domains: z.array(domainSchema),
  mtlsCertificates: z.array(mtlsCertificateSchema).optional(),
  originCaCertificates: z.array(originCaCertificateSchema).optional(),
});

/** Several documents: `GET /v1/edge/bundle/accounts?account=…`. An account that is gone is left out. */
export const accountTrustListSchema = z.strictObject({ accounts: z.array(accountTrustSchema) });

/** How many accounts one request may name. */
export const ACCOUNT_TRUST_LIST_MAX_ACCOUNTS = 100;

/**
 * What an edge reads first, `GET /v1/edge/bundle?account=…`: which documents there are, and which of its own are old. A
 * document that is fetched after the index is as new as the index says, or newer.
 */
export const trustBundleIndexSchema = z.strictObject({
  format: z.literal(1),
  /** Changes whenever any account's document changes; opaque, used as ETag. */
  version: z.string().min(1),
  accounts: z.array(accountTrustSchema.pick({ account: true, version: true })),
  /** Those of the accounts that the request named, read in the same transaction; left out when it named none */
  documents: z.array(accountTrustSchema).optional(),
});

/**
 * What the control plane says on `GET /v1/edge/events`: after connecting, and whenever the index changed. Not strict,
 * so that an edge goes on understanding a control plane that says more.
 */
export const bundleEventSchema = z.object({
  version: z.string().min(1),
  /** The accounts that changed with this version, so that an edge can ask for index and documents at once */
  accounts: z.array(z.string().min(1)).optional(),
});

/** The whole, as an edge puts it together from index and documents and keeps it on disk. */
export const trustBundleSchema = z
  .strictObject({
    format: z.literal(1),
    /** Changes whenever any account's document changes; opaque, used as ETag. */
    version: z.string().min(1),
    accounts: z.array(accountTrustSchema),
  })
  .superRefine((bundle, context) => {
    for (const { path, message } of findTrustConflicts(bundle.accounts)) {
      context.addIssue({ code: "custom", path: ["accounts", ...path], message });
    }
  });

/** What makes documents, each valid by itself, no bundle: an account or a host name that is in it twice. */
function findTrustConflicts(accounts: readonly AccountTrust[]): { path: (string | number)[]; message: string }[] {
  const conflicts: { path: (string | number)[]; message: string }[] = [];
  const names = new Set<string>();
  const owners = new Map<string, string>();
  accounts.forEach(({ account, domains }, accountIndex) => {
    if (names.has(account)) {
      conflicts.push({ path: [accountIndex, "account"], message: `"${account}" appears twice` });
    }
    names.add(account);
    domains.forEach(({ hostname }, domainIndex) => {
      const owner = owners.get(hostname);
      if (owner !== undefined) {
        const path = [accountIndex, "domains", domainIndex, "hostname"];
        conflicts.push({ path, message: `"${hostname}" belongs to account "${owner}" already` });
      }
      owners.set(hostname, account);
    });
  });
  return conflicts;
}

export type TrustBundle = z.infer<typeof trustBundleSchema>;
export type TrustBundleIndex = z.infer<typeof trustBundleIndexSchema>;
export type BundleEvent = z.infer<typeof bundleEventSchema>;
export type AccountTrust = z.infer<typeof accountTrustSchema>;
export type BundledMtlsCertificate = z.infer<typeof mtlsCertificateSchema>;
export type BundledOriginCaCertificate = z.infer<typeof originCaCertificateSchema>;
export type BundledCaCertificate = AccountTrust["caCertificates"][number];
