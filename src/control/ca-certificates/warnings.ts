/** What is allowed, and yet worth a word to the one who uploads it. */
import { and, eq } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { caCertificates } from "../database/schema.ts";
import type { Warning } from "./schema.ts";

/** About a CA certificate that is about to be added. */
export async function findWarnings(
  database: Database,
  added: typeof caCertificates.$inferSelect,
  now: Date,
): Promise<Warning[]> {
  const namesakes = await database
    .select({ name: caCertificates.name, subjectKeyId: caCertificates.subjectKeyId })
    .from(caCertificates)
    .where(and(eq(caCertificates.account, added.account), eq(caCertificates.subject, added.subject)));
  return [...warnNamesakes(added, namesakes), ...warnNotYetValid(added, now)];
}

/**
 * OpenSSL looks for an issuer by its name and tells namesakes apart by key identifiers only; it does not try their keys
 * one after the other. Where the identifiers do not help it takes the first, and clients of the other fail with
 * "certificate signature failure" (seen with 3.0: without identifiers in the roots, and also with them when the client
 * certificate names no authority key identifier).
 */
function warnNamesakes(
  added: { subject: string; subjectKeyId: string },
  namesakes: { name: string; subjectKeyId: string }[],
): Warning[] {
  if (namesakes.length === 0) return [];
  const isAmbiguous = namesakes.some(
    ({ subjectKeyId }) => added.subjectKeyId === "" || subjectKeyId === "" || subjectKeyId === added.subjectKeyId,
  );
  const names = namesakes.map(({ name }) => `"${name}"`).join(", ");
  const shared = `"${added.subject}" is the subject of ${names} too`;
  if (isAmbiguous) {
    const message =
      `${shared}, and subject key identifiers do not tell them apart: client certificates of one may be checked ` +
      "against the key of the other and fail; reissue the new CA certificate with a subject key identifier";
    return [{ code: "same_subject_without_key_identifier", message }];
  }
  const message =
    `${shared}: client certificates have to name their issuer's key (authority key identifier), or they may be ` +
    "checked against the key of the other and fail";
  return [{ code: "same_subject", message }];
}

export function warnNotYetValid(added: { name: string; notBefore: string }, now: Date): Warning[] {
  if (Date.parse(added.notBefore) <= now.getTime()) return [];
  const message = `"${added.name}" is not valid before ${added.notBefore}: until then it verifies nobody`;
  return [{ code: "not_yet_valid", message }];
}
