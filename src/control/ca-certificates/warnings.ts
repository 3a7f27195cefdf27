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
  return [...warnAmbiguous(added, namesakes), ...warnNotYetValid(added, now)];
}

/**
 * OpenSSL looks for an issuer by its name, and tells namesakes apart by key identifier only; it does not try their keys
 * one after the other. Without identifiers it takes one of them, and clients of the other fail with "certificate
 * signature failure".
 */
function warnAmbiguous(
  added: { subject: string; subjectKeyId: string },
  namesakes: { name: string; subjectKeyId: string }[],
): Warning[] {
  const ambiguous = namesakes.filter(
    ({ subjectKeyId }) => added.subjectKeyId === "" || subjectKeyId === "" || subjectKeyId === added.subjectKeyId,
  );
  if (ambiguous.length === 0) return [];
  const names = ambiguous.map(({ name }) => `"${name}"`).join(", ");
  const message =
    `"${added.subject}" is the subject of ${names} too, and they cannot be told apart by subject key identifiers: ` +
    "client certificates of one of them may be checked against the key of the other and fail; " +
    "for a rotation without a gap, reissue the new CA certificate with a subject key identifier";
  return [{ code: "same_subject_without_key_identifier", message }];
}

function warnNotYetValid(added: { name: string; notBefore: string }, now: Date): Warning[] {
  if (Date.parse(added.notBefore) <= now.getTime()) return [];
  const message = `"${added.name}" is not valid before ${added.notBefore}: until then it verifies nobody`;
  return [{ code: "not_yet_valid", message }];
}
