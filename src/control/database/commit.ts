/**
 * The one way to write. A change, its audit row and the new version of what edges read are one transaction: a batch
 * of D1 either happens whole or not at all. The push to edges comes after it, and cannot undo it.
 */
import { eq, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { Context } from "hono";
import { notifierOf } from "../edge/notifier.ts";
import { logFailure } from "../log.ts";
import type { ControlContext } from "../router.ts";
import type { Database } from "./database.ts";
import { accounts, auditLog } from "./schema.ts";
import { bumpVersion, currentVersion, onlyVersion, selectVersion, type VersionRow } from "./version.ts";

export interface Change {
  /** `<noun>.<verb>` */
  action: string;
  /** Null for what belongs to no account */
  account: string | null;
  /**
   * The id or name of what is written to. For something that has to exist already, a query: it yields null when the
   * thing is gone meanwhile, and the audit row, and with it the transaction, is refused.
   */
  target: string | SQL<string>;
  /** For a person who reads the audit log; never a secret */
  detail?: Record<string, string>;
  /** Whether edges have to hear of it: the account gets a new version, and connected edges a push */
  changesTrust: boolean;
  statements: BatchItem<"sqlite">[];
}

/** Why the database refused a transaction; nothing of it was kept. */
type Violation =
  | { kind: "target-gone" }
  | { kind: "reference" }
  /** `columns` as SQLite names them: `"projects.account, projects.name"` */
  | { kind: "unique"; columns: string };

export type CommitResult = { ok: true } | { ok: false; violation: Violation };

/** @throws whatever the database fails with, other than a constraint */
export async function commit(c: Context<ControlContext>, change: Change): Promise<CommitResult> {
  const database = c.get("database");
  let results: unknown[];
  try {
    results = await database.batch([auditRow(c, database, change), ...versioned(database, change)]);
  } catch (error) {
    const violation = parseViolation(error);
    if (violation === undefined) throw error;
    return { ok: false, violation };
  }
  const { account, changesTrust } = change;
  if (changesTrust && account !== null) {
    afterCommit(c, "edge_push_failed", () => {
      const version = onlyVersion(results.at(-1) as VersionRow[]);
      return notifierOf(c.env).announce({ version, accounts: [account] });
    });
  }
  return { ok: true };
}

function auditRow(c: Context<ControlContext>, database: Database, change: Change) {
  const principal = c.get("principal");
  return database.insert(auditLog).values({
    at: new Date().toISOString(),
    account: change.account,
    actorKeyId: principal.keyId,
    actorScope: principal.scope,
    action: change.action,
    target: change.target,
    detail: change.detail ?? {},
  });
}

/** Where edges have to hear of it, the last statement reads the version that the transaction made. */
function versioned(database: Database, change: Change): BatchItem<"sqlite">[] {
  if (!change.changesTrust || change.account === null) return change.statements;
  return [
    bumpVersion(database),
    ...change.statements,
    database.update(accounts).set({ version: currentVersion }).where(eq(accounts.name, change.account)),
    selectVersion(database),
  ];
}

/**
 * Does what follows a commit without holding up the answer. A push that is lost is made good by the edges' poll, so a
 * failure is told to the log and must not fail a write that has happened.
 */
export function afterCommit(c: Context<ControlContext>, event: string, task: () => Promise<void>): void {
  const attempt = async () => task();
  c.executionCtx.waitUntil(attempt().catch((error) => logFailure(event, error, c.get("requestId"))));
}

const UNIQUE = /UNIQUE constraint failed: ([\w., ]+?)(?::|$)/m;

function parseViolation(error: unknown): Violation | undefined {
  const text = error instanceof Error ? `${error.message}\n${String(error.cause ?? "")}` : String(error);
  if (text.includes("NOT NULL constraint failed: audit_log.target")) return { kind: "target-gone" };
  if (text.includes("FOREIGN KEY constraint failed")) return { kind: "reference" };
  const columns = UNIQUE.exec(text)?.[1];
  return columns === undefined ? undefined : { kind: "unique", columns };
}
