/**
 * What is in a copy of the control plane's database, and the note that a backup carries: when it was made, by what, and a
 * digest of every row. SQLite's own check sees a broken structure, but not a bit that flipped within a text.
 */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { fileURLToPath } from "node:url";

/** Only in backups, never in the database of a control plane */
const NOTE_TABLE = "sallyport_backup";
const MIGRATIONS = fileURLToPath(new URL("../../src/control/migrations/", import.meta.url));

export interface Note {
  /** ISO 8601, UTC */
  createdAt: string;
  sallyportVersion: string;
  rowsSha256: string;
}

export interface Contents {
  accounts: number;
  projects: number;
  caCertificates: number;
  mtlsCertificates: number;
  customDomains: number;
  apiKeys: number;
  /** Under which private keys are sealed; a master key itself is never in the database */
  masterKeyIds: string[];
  /** The latest migration: `0002_mtls_certificates.sql` */
  schemaVersion: string;
}

const COUNTED = {
  accounts: "accounts",
  projects: "projects",
  caCertificates: "ca_certificates",
  mtlsCertificates: "mtls_certificates",
  customDomains: "custom_domains",
  apiKeys: "api_keys",
} as const;

export function writeNote(database: DatabaseSync, note: Omit<Note, "rowsSha256">): void {
  const rowsSha256 = digestRows(database);
  database.exec(`CREATE TABLE ${NOTE_TABLE} (created_at TEXT, sallyport_version TEXT, rows_sha256 TEXT)`);
  const insert = database.prepare(`INSERT INTO ${NOTE_TABLE} VALUES (?, ?, ?)`);
  insert.run(note.createdAt, note.sallyportVersion, rowsSha256);
}

/** Undefined for a database that is no backup. */
export function readNote(database: DatabaseSync): Note | undefined {
  if (!hasTable(database, NOTE_TABLE)) return undefined;
  const select = `SELECT created_at createdAt, sallyport_version sallyportVersion, rows_sha256 rowsSha256`;
  return database.prepare(`${select} FROM ${NOTE_TABLE}`).get() as Note | undefined;
}

export function removeNote(database: DatabaseSync): void {
  database.exec(`DROP TABLE ${NOTE_TABLE}`);
}

function hasTable(database: DatabaseSync, name: string): boolean {
  return database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== undefined;
}

/** Of the definition and the rows of every table, in an order that a copy keeps. */
export function digestRows(database: DatabaseSync): string {
  const hash = createHash("sha256");
  const schema = database.prepare("SELECT type, name, sql FROM sqlite_master WHERE name <> ? ORDER BY type, name");
  for (const entry of schema.all(NOTE_TABLE) as { type: string; name: string; sql: string | null }[]) {
    hash.update(`${JSON.stringify(entry)}\n`);
    if (entry.type !== "table") continue;
    const rows = database.prepare(`SELECT * FROM "${entry.name}" ORDER BY rowid`);
    rows.setReadBigInts(true);
    for (const row of rows.iterate()) hash.update(`${JSON.stringify(Object.values(row), encodeValue)}\n`);
  }
  return hash.digest("hex");
}

function encodeValue(_: string, value: SQLOutputValue): unknown {
  if (typeof value === "bigint") return { integer: String(value) };
  return value instanceof Uint8Array ? { blob: Buffer.from(value).toString("hex") } : value;
}

/** The first thing that is wrong with its structure; undefined when nothing is. @throws SQLite's error for the same */
export function findDamage(database: DatabaseSync): string | undefined {
  const { integrity_check: said } = database.prepare("PRAGMA integrity_check(1)").get() ?? {};
  if (said !== "ok") return String(said);
  const orphan = database.prepare("PRAGMA foreign_key_check").get();
  return orphan === undefined
    ? undefined
    : `a row of ${orphan.table} refers to one of ${orphan.parent} that is missing`;
}

/** Of a control plane's database, in order; undefined for any other. */
export function readMigrations(database: DatabaseSync): string[] | undefined {
  if (!hasTable(database, "d1_migrations") || !hasTable(database, "revision")) return undefined;
  const rows = database.prepare("SELECT name FROM d1_migrations ORDER BY name").all();
  return rows.map(({ name }) => String(name));
}

/** Those that this version of Sallyport does not have. */
export function findUnknownMigrations(names: readonly string[]): string[] {
  const known = new Set(readdirSync(MIGRATIONS));
  return names.filter((name) => !known.has(name));
}

/** Tables that an older schema has not yet count as empty. */
export function readContents(database: DatabaseSync): Contents {
  const counts = Object.entries(COUNTED).map(([name, table]) => [name, countRows(database, table)]);
  const keyIds = hasTable(database, COUNTED.mtlsCertificates)
    ? database.prepare(`SELECT DISTINCT master_key_id id FROM ${COUNTED.mtlsCertificates} ORDER BY id`).all()
    : [];
  return {
    ...(Object.fromEntries(counts) as Record<keyof typeof COUNTED, number>),
    masterKeyIds: keyIds.map(({ id }) => String(id)),
    schemaVersion: readMigrations(database)?.at(-1) ?? "",
  };
}

function countRows(database: DatabaseSync, table: string): number {
  if (!hasTable(database, table)) return 0;
  return Number(database.prepare(`SELECT count(*) rows FROM ${table}`).get()?.rows);
}
