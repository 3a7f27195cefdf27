/**
 * The present bundle, put together from the control plane's index, the documents that changed, and those that are at
 * hand. Only changed documents travel and are looked into: an unchanged one stays the same object, and what was compiled
 * from it stays in use.
 */
import type { AccountTrust, TrustBundle, TrustBundleIndex } from "../../src/contract/trust-bundle.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { assertNoConflicts, assertReadableCertificates } from "./parse-trust-bundle.ts";
import { TrustSourceError } from "./trust-source.ts";

const ORIGIN = "the control plane's trust bundle";

/**
 * Undefined when `known` is the present one.
 *
 * @param named accounts that are said to have changed: their documents come with the index, which saves a second
 *   request. That they did is not relied on, and what else changed is found and fetched.
 * @throws TrustSourceError when the control plane gave no whole bundle
 */
export async function pullBundle(
  client: ControlPlaneClient,
  known: TrustBundle | undefined,
  named: readonly string[],
): Promise<TrustBundle | undefined> {
  const index = await client.readIndex(known?.version, named);
  if (index === undefined || index.version === known?.version) return undefined;
  assertNamedOnce(index);
  const documents = new Map(known?.accounts.map((document) => [document.account, document]));
  const changed = await fetchChanged(client, index, documents);
  assertReadableCertificates(changed, ORIGIN);
  for (const document of changed) documents.set(document.account, document);
  const accounts = index.accounts
    .map(({ account }) => documents.get(account))
    .filter((document): document is AccountTrust => document !== undefined);
  const news = new Set(changed);
  assertNoConflicts(
    changed,
    accounts.filter((document) => !news.has(document)),
    ORIGIN,
  );
  return { format: 1, version: index.version, accounts };
}

/**
 * The documents of which `documents` has another version than the index; the old ones are taken out. One that came with
 * the index is used only if it is the very version that the index names. One that is asked for afterwards is that, or
 * newer. An account that went in between is not in the next index: until then the bundle is not whole, and not used.
 */
async function fetchChanged(
  client: ControlPlaneClient,
  index: TrustBundleIndex,
  documents: Map<string, AccountTrust>,
): Promise<AccountTrust[]> {
  const enclosed = new Map(index.documents?.map((document) => [document.account, document]));
  const changed: AccountTrust[] = [];
  const missing = new Map<string, AccountTrust | undefined>();
  for (const { account, version } of index.accounts) {
    const old = documents.get(account);
    if (old?.version === version) continue;
    documents.delete(account);
    const document = enclosed.get(account);
    if (document?.version === version) changed.push(document);
    else missing.set(account, old);
  }
  for (const document of await client.readAccounts([...missing.keys()])) {
    if (!missing.has(document.account)) continue;
    if (document.version === missing.get(document.account)?.version) throw olderThanIndex(document.account);
    missing.delete(document.account);
    changed.push(document);
  }
  if (missing.size > 0) throw withoutDocuments([...missing.keys()]);
  return changed;
}

function assertNamedOnce({ accounts }: TrustBundleIndex): void {
  const names = new Set<string>();
  const problems: string[] = [];
  for (const { account } of accounts) {
    if (names.has(account)) problems.push(`account "${account}" appears twice`);
    names.add(account);
  }
  if (problems.length > 0) throw new TrustSourceError(`"${ORIGIN}" contradicts itself`, { problems });
}

/** To take it for an account that is gone would shut its clients out for as long as nothing else changes. */
function withoutDocuments(accounts: readonly string[]): TrustSourceError {
  return new TrustSourceError(`"${ORIGIN}" contradicts itself`, {
    problems: accounts.map((account) => `account "${account}": its document was not sent`),
  });
}

/** Something on the way answers from an old copy. To use it would bring back what was removed. */
function olderThanIndex(account: string): TrustSourceError {
  return new TrustSourceError(`"${ORIGIN}" contradicts itself`, {
    problems: [`account "${account}": its document is older than the index`],
  });
}
