/**
 * The version of everything that edges read: a counter that orders writes and a nonce that is drawn with each, so that
 * a database that was restored from a backup or made anew never repeats a version that an edge has seen.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { revision } from "./schema.ts";

/** Inside a transaction, what {@link bumpVersion} has just made. */
export const currentVersion: SQL<string> = sql`(SELECT counter || '-' || nonce FROM ${revision})`;

export function bumpVersion(database: Database) {
  return database
    .update(revision)
    .set({ counter: sql`${revision.counter} + 1`, nonce: sql`lower(hex(randomblob(8)))` });
}

export interface VersionRow {
  version: string;
}

/** A statement, to run alone or in a batch: one row. */
export function selectVersion(database: Database) {
  return database.select({ version: currentVersion }).from(revision).limit(1);
}

/** @throws Error when the migrations were not applied */
export function onlyVersion(rows: VersionRow[]): string {
  const version = rows[0]?.version;
  if (version === undefined) throw new Error("the database has no revision: apply the migrations");
  return version;
}
