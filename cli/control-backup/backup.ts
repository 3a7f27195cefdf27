/** What `sallyport control backup` does: a consistent copy of the control plane's database, running or not. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Refusal, refuse } from "../api/refusal.ts";
import { type OutputFlags, showResult } from "../output/result.ts";
import { hint } from "../output.ts";
import { VERSION } from "../version.ts";
import { type Contents, findDamage, type Note, readContents, readMigrations, readNote, writeNote } from "./contents.ts";
import { isDamage, isNoDatabase, isWriteFailure, locateDatabase, openDatabase } from "./database-file.ts";
import { describeContents } from "./describe.ts";

export interface BackupFlags extends OutputFlags {
  stateDir: string;
  force: boolean;
}

export interface Backup extends Contents, Note {
  file: string;
  bytes: number;
}

const PRIVATE_MODE = 0o600;

export async function backUp(file: string, flags: BackupFlags): Promise<void> {
  const target = resolve(file);
  const { path } = locateDatabase(flags.stateDir);
  if (!existsSync(path)) {
    throw refuse(
      "database_not_found",
      `"${resolve(flags.stateDir)}" has no control plane's database in it`,
      "name the state directory of the control plane: --state-dir",
    );
  }
  assertFree(target, flags.force);
  const backup = writeBackup(path, target, flags.force);
  showResult(flags, backup, (made) => `${made.file}\n${describeContents(made)}`);
  hint(
    backup.masterKeyIds.length === 0
      ? "the master key is not in it, and would be needed for private keys: keep it elsewhere"
      : `the master key (${backup.masterKeyIds.join(", ")}) is not in it, and without it no private key can be read: keep it elsewhere`,
  );
}

function assertFree(target: string, force: boolean): void {
  if (force || !existsSync(target)) return;
  throw refuse("file_exists", `"${target}" exists`, "name another file, or overwrite it: --force");
}

/** Under another name until it is whole and was read again. */
function writeBackup(source: string, target: string, force: boolean): Backup {
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    // SQLite fills a file that is empty, and keeps its mode.
    closeSync(openSync(temporary, "wx", PRIVATE_MODE));
    copyDatabase(source, temporary);
    const made = describeCopy(temporary);
    flush(temporary);
    assertFree(target, force);
    renameSync(temporary, target);
    return { file: target, bytes: statSync(target).size, ...made };
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw explain(cause, target);
  }
}

function explain(cause: unknown, target: string): unknown {
  if (isDamage(cause) || isNoDatabase(cause)) return refuseDamaged((cause as Error).message);
  if ((cause as NodeJS.ErrnoException).syscall === undefined && !isWriteFailure(cause)) return cause;
  const detail = `"${target}" cannot be written: ${(cause as Error).message}`;
  return refuse("file_unwritable", detail, "name a file in a directory that you may write to and that has room");
}

function refuseDamaged(how: string): Refusal {
  return refuse(
    "database_damaged",
    `the control plane's database is damaged: ${how}`,
    "end the control plane and restore the last good backup: sallyport control restore <file> --force",
  );
}

/** One read transaction: what was committed when it began is in the copy, what comes later is not, and nobody waits. */
function copyDatabase(source: string, target: string): void {
  using database = openDatabase(source);
  if (readMigrations(database) === undefined) {
    throw refuse(
      "not_a_control_plane",
      `"${source}" has no tables of a control plane`,
      "start the control plane once, or name its state directory: --state-dir",
    );
  }
  database.prepare("VACUUM INTO ?").run(target);
}

function describeCopy(path: string): Contents & Note {
  using database = openDatabase(path);
  const damage = findDamage(database);
  if (damage !== undefined) {
    throw refuseDamaged(damage);
  }
  writeNote(database, { createdAt: new Date().toISOString(), sallyportVersion: VERSION });
  return { ...(readNote(database) as Note), ...readContents(database) };
}

function flush(path: string): void {
  const file = openSync(path, "r+");
  fsyncSync(file);
  closeSync(file);
}
