/** `/v1/accounts`: made by admin keys, seen by their own keys. An account owns everything else. */
import { createRoute, z } from "@hono/zod-openapi";
import { asc, eq } from "drizzle-orm";
import { requireScope } from "../authorization.ts";
import { commit } from "../database/commit.ts";
import { accounts } from "../database/schema.ts";
import { currentVersion } from "../database/version.ts";
import { body, json, labelSchema, listSchema, pageSchema, timestampSchema } from "../fields.ts";
import { notFound, problem, problemResponses } from "../problem.ts";
import { createRouter } from "../router.ts";

const accountSchema = z.object({ name: labelSchema, createdAt: timestampSchema }).openapi("Account");
const columns = { name: accounts.name, createdAt: accounts.createdAt };

export const accountParameter = z.string().openapi({ param: { in: "path", name: "account" }, example: "local" });

export const accountRoutes = createRouter();

accountRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts",
    summary: "Create an account (admin keys)",
    tags: ["Accounts"],
    middleware: requireScope("admin"),
    request: { body: body(z.strictObject({ name: labelSchema })) },
    responses: {
      201: { description: "The account", content: json(accountSchema) },
      ...problemResponses(400, 401, 403, 409, 413, 415),
    },
  }),
  async function createAccount(c) {
    const account = { name: c.req.valid("json").name, createdAt: new Date().toISOString() };
    const result = await commit(c, {
      action: "account.create",
      account: account.name,
      target: account.name,
      changesTrust: true,
      statements: [
        c
          .get("database")
          .insert(accounts)
          .values({ ...account, version: currentVersion }),
      ],
    });
    if (!result.ok) return problem(c, "name_taken", { detail: `"${account.name}" is the name of an account already` });
    return c.json(account, 201);
  },
);

accountRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts",
    summary: "List accounts: all for an admin key, its own for an account key",
    tags: ["Accounts"],
    middleware: requireScope("account", "admin"),
    request: { query: pageSchema },
    responses: {
      200: { description: "A page of accounts, by name", content: json(listSchema(accountSchema)) },
      ...problemResponses(400, 401, 403),
    },
  }),
  async function listAccounts(c) {
    const { scope, account } = c.get("principal");
    const { offset, limit } = c.req.valid("query");
    const data = await c
      .get("database")
      .select(columns)
      .from(accounts)
      .where(scope === "account" ? eq(accounts.name, account) : undefined)
      .orderBy(asc(accounts.name))
      .limit(limit)
      .offset(offset);
    return c.json({ data, offset, limit }, 200);
  },
);

accountRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}",
    summary: "Describe an account",
    tags: ["Accounts"],
    request: { params: z.object({ account: accountParameter }) },
    responses: {
      200: { description: "The account", content: json(accountSchema) },
      ...problemResponses(401, 403, 404),
    },
  }),
  async function describeAccount(c) {
    const database = c.get("database");
    const row = await database
      .select(columns)
      .from(accounts)
      .where(eq(accounts.name, c.get("account")))
      .get();
    return row === undefined ? notFound(c, "such account") : c.json(row, 200);
  },
);
