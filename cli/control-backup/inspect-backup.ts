/** Reads a backup before anything is done with it: a file that is damaged, foreign or from the future is refused. */
import { statSync } from "node:fs";
import { type Refusal, refuse } from "../api/refusal.ts";
import type { Backup } from "./backup.ts";
import { digestRows, findDamage, findUnknownMigrations, readContents, readMigrations, readNote } from "./contents.ts";
import { isDamage, isNoDatabase, openDatabase } from "./database-file.ts";

/** @throws Refusal with what is wrong with it */
export function inspectBackup(path: string): Backup {
  const bytes = readSize(path);
  try {
    return { file: path, bytes, ...readBackup(path) };
  } catch (cause) {
    if (isNoDatabase(cause)) throw refuseForeign(path);
    if (isDamage(cause)) throw refuseDamaged(path, (cause as Error).message);
    throw cause;
  }
}

function readBackup(path: string) {
  using database = openDatabase(path, { readOnly: true });
  const damage = findDamage(database);
  if (damage !== undefined) throw refuseDamaged(path, damage);
  const note = readNote(database);
  const migrations = readMigrations(database);
  if (note === undefined || migrations === undefined) throw refuseForeign(path);
  const [unknown] = findUnknownMigrations(migrations);
  if (unknown !== undefined) {
    throw refuse(
      "schema_unknown",
      `"${path}" was made by Sallyport ${note.sallyportVersion} and has the schema "${unknown}", which is not known here`,
      "restore it with that version or a later one",
    );
  }
  if (digestRows(database) !== note.rowsSha256) throw refuseDamaged(path, "its rows are not those that were written");
  return { ...note, ...readContents(database) };
}

function readSize(path: string): number {
  try {
    return statSync(path).size;
  } catch (cause) {
    throw refuse(
      "file_unreadable",
      `"${path}" cannot be read: ${(cause as Error).message}`,
      "name a backup that exists",
    );
  }
}

function refuseForeign(path: string): Refusal {
  return refuse(
    "not_a_backup",
    `"${path}" is not a backup of a control plane`,
    "name a file that `sallyport control backup` wrote; a copy of the running database is not one",
  );
}

function refuseDamaged(path: string, how: string): Refusal {
  return refuse("backup_damaged", `"${path}" is damaged: ${how}`, "restore another backup; nothing was changed");
}
