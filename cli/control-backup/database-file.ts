/**
 * Where the control plane's database lies in a state directory, and whether somebody has it open. Of what Miniflare keeps
 * there it is all that counts: the Durable Object stores nothing, and the cache is one.
 */
import { createHash, createHmac } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** As cli/control/control-process.ts names it */
const DATABASE_ID = "sallyport-control";
const DATABASE_CLASS = "miniflare-D1DatabaseObject";
const ID_PART_BYTES = 16;
const BUSY_TIMEOUT_MS = 10_000;
/** SQLite's primary result codes; extended ones have them in their low byte */
const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const CODE_MASK = 0xff;

export interface DatabaseFile {
  /** Of everything that the control plane keeps; renamed as a whole by a restore */
  readonly controlDir: string;
  /** From there to the database */
  readonly inControlDir: string;
  readonly path: string;
}

export function locateDatabase(stateDir: string): DatabaseFile {
  const controlDir = join(resolve(stateDir), "control");
  const inControlDir = join("d1", DATABASE_CLASS, `${deriveObjectId(DATABASE_ID)}.sqlite`);
  return { controlDir, inControlDir, path: join(controlDir, inControlDir) };
}

/** Miniflare's name for the file of a named object: a digest of the name under one of the class. */
function deriveObjectId(name: string): string {
  const key = createHash("sha256").update(DATABASE_CLASS).digest();
  const id = createHmac("sha256", key).update(name).digest().subarray(0, ID_PART_BYTES);
  const check = createHmac("sha256", key).update(id).digest().subarray(0, ID_PART_BYTES);
  return Buffer.concat([id, check]).toString("hex");
}

interface OpenOptions {
  readOnly?: boolean;
  timeoutMs?: number;
}

/** Closed with the scope. @throws SQLite's error */
export function openDatabase(path: string, { readOnly = false, timeoutMs = BUSY_TIMEOUT_MS }: OpenOptions = {}) {
  return new DatabaseSync(path, { readOnly, timeout: timeoutMs });
}

/**
 * Asks for the locks that are workerd's while it runs: on the database, which it closes when nobody asked for ten
 * seconds, and on its own note beside it, which it keeps open. No pid is believed, and no port has to answer.
 */
export function isInUse({ controlDir, inControlDir }: DatabaseFile): boolean {
  const folder = join(controlDir, inControlDir, "..");
  if (!existsSync(folder)) return false;
  const names = readdirSync(folder).filter((name) => name.endsWith(".sqlite"));
  return names.some((name) => isLocked(join(folder, name)));
}

function isLocked(path: string): boolean {
  try {
    using database = openDatabase(path, { timeoutMs: 0 });
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return false;
  } catch (cause) {
    // One that is damaged is used by nobody: the control plane would not start with it.
    return codeOf(cause) === SQLITE_BUSY;
  }
}

/** Whether it is a database, but not a whole one. */
export function isDamage(failure: unknown): boolean {
  return codeOf(failure) === SQLITE_CORRUPT;
}

export function isNoDatabase(failure: unknown): boolean {
  return codeOf(failure) === SQLITE_NOTADB;
}

/** No room, no permission, a disk that fails */
export function isWriteFailure(failure: unknown): boolean {
  return [SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN].includes(codeOf(failure));
}

function codeOf(failure: unknown): number {
  return ((failure as { errcode?: number }).errcode ?? 0) & CODE_MASK;
}
