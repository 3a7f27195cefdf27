/**
 * What edges read: an index of accounts with their versions, and a document an account. The private keys in it are for
 * edges alone (edge-routes.ts), everything else is no secret.
 * Each answer is read in one transaction, so that version and content are of the same moment; since an account's
 * version moves in the transaction that changes it, a document is never older than the index that led to it. (D1 reads
 * from its primary unless a session asks for a replica; none does here.)
 */
import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { BatchResponse } from "drizzle-orm/batch";
import type { AccountTrust, TrustBundleIndex } from "../../contract/trust-bundle.ts";
import type { Configuration } from "../configuration.ts";
import { isUnderManagedBase, managedHostname } from "../custom-domains/hostname.ts";
import type { Database } from "../database/database.ts";
import { accounts, caCertificates, customDomains, projects } from "../database/schema.ts";
import { onlyVersion, selectVersion, type VersionRow } from "../database/version.ts";
import { openKeyring } from "../mtls-certificates/sealed-key.ts";
import { presentOutboundTrust, selectMtlsCertificates, selectOriginCas } from "./outbound-trust.ts";

/** @throws Error when the migrations were not applied */
export async function readVersion(database: Database): Promise<string> {
  return onlyVersion(await selectVersion(database));
}

export async function readIndex(database: Database): Promise<TrustBundleIndex> {
  return presentIndex(...(await database.batch(selectIndex(database))));
}

/** The index with the documents of those of `names` that exist, all of one moment. */
export async function readIndexWithDocuments(
  database: Database,
  names: string[],
  configuration: Configuration,
): Promise<TrustBundleIndex> {
  const [versions, rows, ...documents] = await database.batch([
    ...selectIndex(database),
    ...selectDocuments(database, names),
  ]);
  return { ...presentIndex(versions, rows), documents: await presentDocuments(documents, configuration) };
}

function selectIndex(database: Database) {
  const account = { account: accounts.name, version: accounts.version };
  return [selectVersion(database), database.select(account).from(accounts).orderBy(asc(accounts.name))] as const;
}

function presentIndex(versions: VersionRow[], rows: TrustBundleIndex["accounts"]): TrustBundleIndex {
  return { format: 1, version: onlyVersion(versions), accounts: rows };
}

/** The documents of those of `names` that exist. */
export async function readAccountTrust(
  database: Database,
  names: string[],
  configuration: Configuration,
): Promise<AccountTrust[]> {
  return presentDocuments(await database.batch(selectDocuments(database, names)), configuration);
}

/**
 * Six queries, however many accounts there are. CA certificates come in the order of their upload: of two with one
 * subject OpenSSL prefers the first, and the clients of the older are the ones that are there.
 */
function selectDocuments(database: Database, names: string[]) {
  // One parameter: D1 allows no more than a hundred
  const named = sql`(SELECT value FROM json_each(${JSON.stringify(names)}))`;
  return [
    database.select().from(accounts).where(inArray(accounts.name, named)).orderBy(asc(accounts.name)),
    database
      .select({
        account: caCertificates.account,
        id: caCertificates.id,
        name: caCertificates.name,
        certificate: caCertificates.certificate,
      })
      .from(caCertificates)
      .where(inArray(caCertificates.account, named))
      .orderBy(asc(caCertificates.account), asc(caCertificates.createdAt), asc(caCertificates.id)),
    database
      .select()
      .from(projects)
      .where(inArray(projects.account, named))
      .orderBy(asc(projects.account), asc(projects.name)),
    database
      .select()
      .from(customDomains)
      .where(and(inArray(customDomains.account, named), eq(customDomains.status, "active")))
      .orderBy(asc(customDomains.account), asc(customDomains.createdAt), asc(customDomains.id)),
    selectMtlsCertificates(database, named),
    selectOriginCas(database, named),
  ] as const;
}

type DocumentRows = BatchResponse<ReturnType<typeof selectDocuments>>;

async function presentDocuments(
  [accountRows, certificates, projectRows, domains, mtlsCertificates, originCas]: DocumentRows,
  configuration: Configuration,
): Promise<AccountTrust[]> {
  const keyring = await openKeyring(configuration);
  const certificatesOf = Map.groupBy(certificates, ({ account }) => account);
  const projectsOf = Map.groupBy(projectRows, ({ account }) => account);
  const domainsOf = Map.groupBy(domains, ({ account }) => account);
  const mtlsCertificatesOf = Map.groupBy(mtlsCertificates, ({ account }) => account);
  const originCasOf = Map.groupBy(originCas, ({ account }) => account);
  const present = async ({ name: account, version }: { name: string; version: string }): Promise<AccountTrust> => ({
    account,
    version,
    caCertificates: (certificatesOf.get(account) ?? []).map(({ id, name, certificate }) => ({ id, name, certificate })),
    domains: presentDomains(projectsOf.get(account) ?? [], domainsOf.get(account) ?? [], configuration),
    ...(await presentOutboundTrust(keyring, mtlsCertificatesOf.get(account) ?? [], originCasOf.get(account) ?? [])),
  });
  return Promise.all(accountRows.map(present));
}

function presentDomains(
  owned: (typeof projects.$inferSelect)[],
  claimed: (typeof customDomains.$inferSelect)[],
  { managedDomainBase }: Configuration,
): AccountTrust["domains"] {
  return [
    ...owned.map((project) => ({ hostname: managedHostname(project, managedDomainBase), project: project.name })),
    // A claim that is older than the configured base must not spell another account's managed domain
    ...claimed
      .filter(({ hostname }) => !isUnderManagedBase(hostname, managedDomainBase))
      .map(({ hostname, project }) => ({ hostname, project })),
  ];
}
