import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { sql } from "drizzle-orm";
import { Hono } from "hono";
import { describe, expect, it, vi } from "vitest";
import { type Change, type CommitResult, commit } from "../../src/control/database/commit.ts";
import { type Database, openDatabase } from "../../src/control/database/database.ts";
import { accounts, projects } from "../../src/control/database/schema.ts";
import type { ControlContext } from "../../src/control/router.ts";
import { createAccount } from "./support.ts";

const database: Database = openDatabase(env.DB);

/** Commits in a request of its own, as routes do. */
async function commitInRequest(change: Change, environment = env): Promise<CommitResult> {
  let result: CommitResult | undefined;
  const app = new Hono<ControlContext>().get("/", async (c) => {
    c.set("database", database);
    c.set("principal", { keyId: "tester", name: "tester", scope: "admin", account: null });
    result = await commit(c, change);
    return c.body(null);
  });
  app.onError((error) => {
    throw error;
  });
  const context = createExecutionContext();
  await app.fetch(new Request("http://control.test/"), environment, context);
  await waitOnExecutionContext(context);
  if (result === undefined) throw new Error("nothing was committed");
  return result;
}

/** Everything that a transaction may touch. */
async function dump(): Promise<string> {
  const tables = ["revision", "accounts", "projects", "api_keys", "audit_log"];
  const rows = await env.DB.batch(tables.map((table) => env.DB.prepare(`SELECT * FROM ${table}`)));
  return JSON.stringify(rows.map(({ results }) => results));
}

const projectRow = (account: string, name: string) =>
  database.insert(projects).values({ account, name, createdAt: "2026-01-01T00:00:00.000Z" });

describe("a write", () => {
  it("is kept with its audit row and the version", async () => {
    const { name } = await createAccount();
    const before = await dump();
    const change = {
      action: "test",
      account: name,
      target: "x",
      changesTrust: true,
      statements: [projectRow(name, "x")],
    };
    expect(await commitInRequest(change)).toEqual({ ok: true });
    expect(await dump()).not.toBe(before);
    const [account] = await database.select().from(accounts).where(sql`name = ${name}`);
    const revision = await env.DB.prepare("SELECT counter || '-' || nonce AS version FROM revision").first("version");
    expect(account?.version).toBe(revision);
  });

  it.each<[string, (account: string) => Pick<Change, "target" | "statements">, object]>([
    [
      "its second statement is refused",
      (account) => ({ target: "x", statements: [projectRow(account, "x"), projectRow(account, "shop")] }),
      { kind: "unique", columns: "projects.account, projects.name" },
    ],
    [
      "what it refers to is not there",
      (account) => ({ target: "x", statements: [projectRow(account, "x"), projectRow("nobody", "x")] }),
      { kind: "reference" },
    ],
    [
      "its target is gone",
      (account) => ({
        target: sql<string>`(SELECT ${projects.name} FROM ${projects} WHERE ${projects.name} = 'gone')`,
        statements: [projectRow(account, "x")],
      }),
      { kind: "target-gone" },
    ],
  ])("leaves nothing when %s", async (_, parts, violation) => {
    const { name } = await createAccount();
    const before = await dump();
    const result = await commitInRequest({ action: "test", account: name, changesTrust: true, ...parts(name) });
    expect(result).toEqual({ ok: false, violation });
    expect(await dump()).toBe(before);
  });

  it("leaves nothing, and throws, when the database fails otherwise", async () => {
    const { name } = await createAccount();
    const before = await dump();
    const statements = [projectRow(name, "x"), database.update(projects).set({ name: sql`no_such_function()` })];
    await expect(
      commitInRequest({ action: "test", account: name, target: "x", changesTrust: true, statements }),
    ).rejects.toThrow();
    expect(await dump()).toBe(before);
  });

  it("is kept when the push to edges fails", async () => {
    const { name } = await createAccount();
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = new Proxy(env, {
      get(target, property) {
        if (property === "EDGE_NOTIFIER") throw new Error("the object is away");
        return Reflect.get(target, property);
      },
    });
    const change = {
      action: "test",
      account: name,
      target: "x",
      changesTrust: true,
      statements: [projectRow(name, "x")],
    };
    expect(await commitInRequest(change, broken)).toEqual({ ok: true });
    expect(log.mock.calls.flat().join()).toContain("edge_push_failed");
    log.mockRestore();
  });
});
