/**
 * The part of an account's document that the egress needs: client certificates with their private keys, decrypted for
 * the one answer to an edge that holds them in memory, and the CAs of origins.
 */
import { asc, inArray, type SQL } from "drizzle-orm";
import type { BundledMtlsCertificate, BundledOriginCaCertificate } from "../../contract/trust-bundle.ts";
import { encodePem } from "../../x509/pem.ts";
import type { Database } from "../database/database.ts";
import { mtlsCertificates, originCas } from "../database/schema.ts";
import { logFailure } from "../log.ts";
import { type Keyring, unsealPrivateKey } from "../mtls-certificates/sealed-key.ts";

type MtlsCertificateRow = typeof mtlsCertificates.$inferSelect;

/** Statements for one transaction; `accounts` yields names. */
export function selectMtlsCertificates(database: Database, accounts: SQL) {
  return database
    .select()
    .from(mtlsCertificates)
    .where(inArray(mtlsCertificates.account, accounts))
    .orderBy(asc(mtlsCertificates.account), asc(mtlsCertificates.createdAt), asc(mtlsCertificates.id));
}

export function selectOriginCas(database: Database, accounts: SQL) {
  return database
    .select({
      account: originCas.account,
      id: originCas.id,
      name: originCas.name,
      project: originCas.project,
      certificate: originCas.certificate,
    })
    .from(originCas)
    .where(inArray(originCas.account, accounts))
    .orderBy(asc(originCas.account), asc(originCas.createdAt), asc(originCas.id));
}

/** Both lists, each left out when it is empty. */
export async function presentOutboundTrust(
  keyring: Keyring | undefined,
  certificates: MtlsCertificateRow[],
  cas: (BundledOriginCaCertificate & { account: string })[],
): Promise<{ mtlsCertificates?: BundledMtlsCertificate[]; originCaCertificates?: BundledOriginCaCertificate[] }> {
  const bundled = await Promise.all(certificates.map((row) => presentMtlsCertificate(keyring, row)));
  return {
    ...(bundled.length > 0 && { mtlsCertificates: bundled }),
    ...(cas.length > 0 && { originCaCertificates: cas.map(({ account: _, ...ca }) => ca) }),
  };
}

/** A disabled certificate is presented by nobody, so its key goes nowhere. */
async function presentMtlsCertificate(
  keyring: Keyring | undefined,
  row: MtlsCertificateRow,
): Promise<BundledMtlsCertificate> {
  const { id, version, name, project, environmentTypes, isDisabled, certificate } = row;
  const shown = { id, version, name, project, environmentTypes, isDisabled, certificate };
  if (isDisabled) return shown;
  const unsealed = await unsealPrivateKey(keyring, row, row);
  if (unsealed.ok) return { ...shown, privateKey: encodePem("PRIVATE KEY", unsealed.pkcs8) };
  logFailure("mtls_certificate_undecryptable", `"${id}" cannot be decrypted: ${unsealed.reason}`);
  return shown;
}
