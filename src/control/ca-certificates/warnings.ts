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
    .select({ name: caCertificates.name })
    .from(caCertificates)
    .where(and(eq(caCertificates.account, added.account), eq(caCertificates.subject, added.subject)));
  return [...warnNamesakes(added, namesakes), ...warnNotYetValid(added, now)];
}

/** Allowed, and what a rotation does: the edge tells namesakes apart by their keys. A pin by name does not. */
function warnNamesakes(added: { subject: string }, namesakes: { name: string }[]): Warning[] {
  if (namesakes.length === 0) return [];
  const names = namesakes.map(({ name }) => `"${name}"`).join(", ");
  const message =
    `"${added.subject}" is the subject of ${names} too: clients of both verify, and certIssuerDN does not tell them ` +
    "apart; a policy that has to names them in caCertificates";
  return [{ code: "same_subject", message }];
}

export function warnNotYetValid(added: { name: string; notBefore: string }, now: Date): Warning[] {
  if (Date.parse(added.notBefore) <= now.getTime()) return [];
  const message = `"${added.name}" is not valid before ${added.notBefore}: until then it verifies nobody`;
  return [{ code: "not_yet_valid", message }];
}
