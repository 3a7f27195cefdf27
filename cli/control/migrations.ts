/**
 * Applies the control plane's migrations as `wrangler d1 migrations apply` does, in its table, so that a database may go
 * from one to the other.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Miniflare } from "miniflare";

const MIGRATIONS = fileURLToPath(new URL("../../src/control/migrations/", import.meta.url));
/** What drizzle-kit writes between two statements */
const STATEMENT_BREAK = "--> statement-breakpoint";
const TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;

/** Each migration and the note of it are one transaction: a kill in between leaves neither or both. */
export async function applyMigrations(database: Database): Promise<void> {
  await database.prepare(TABLE).run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  const names = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  for (const name of names.sort()) {
    if (applied.has(name)) continue;
    const statements = readFileSync(`${MIGRATIONS}${name}`, "utf8").split(STATEMENT_BREAK);
    await database.batch([
      ...statements.filter((statement) => statement.trim() !== "").map((statement) => database.prepare(statement)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
}
