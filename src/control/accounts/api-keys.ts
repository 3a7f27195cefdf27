/**
 * API keys: those of an account below the account, those for edges and operators at `/v1/api-keys`. A secret is in one
 * answer, the one to its creation.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq, isNull, sql } from "drizzle-orm";
import type { Context } from "hono";
import { createApiKey } from "../api-key.ts";
import { afterCommit, commit } from "../database/commit.ts";
import { apiKeys } from "../database/schema.ts";
import { notifierOf } from "../edge/notifier.ts";
import { body, captionSchema, json, listSchema, pageSchema, timestampSchema } from "../fields.ts";
import { notFound, problemResponses } from "../problem.ts";
import { type ControlContext, createRouter } from "../router.ts";
import { accountParameter } from "./accounts.ts";

const apiKeySchema = z
  .object({
    id: z.string(),
    name: captionSchema,
    scope: z.enum(["admin", "account", "edge"]),
    account: z.string().nullable().openapi({ description: "Null for the scopes `admin` and `edge`" }),
    createdAt: timestampSchema,
  })
  .openapi("ApiKey");

const createdApiKeySchema = apiKeySchema
  .extend({ key: z.string().openapi({ description: "Shown this once", example: "spk_…" }) })
  .openapi("CreatedApiKey");

const columns = {
  id: apiKeys.id,
  name: apiKeys.name,
  scope: apiKeys.scope,
  account: apiKeys.account,
  createdAt: apiKeys.createdAt,
};

type Scope = z.infer<typeof apiKeySchema>["scope"];

/** The keys of one account, or, with null, those that belong to none. */
function ownedBy(account: string | null) {
  return account === null ? isNull(apiKeys.account) : eq(apiKeys.account, account);
}

async function createKey(c: Context<ControlContext>, owner: { scope: Scope; account: string | null }, name: string) {
  const { id, key, secretSha256 } = await createApiKey();
  const row = { id, name, ...owner, createdAt: new Date().toISOString() };
  const result = await commit(c, {
    action: "api-key.create",
    account: owner.account,
    target: id,
    detail: { name, scope: owner.scope },
    changesTrust: false,
    statements: [
      c
        .get("database")
        .insert(apiKeys)
        .values({ ...row, secretSha256 }),
    ],
  });
  if (!result.ok) throw new Error(`a new API key was refused: ${result.violation.kind}`);
  return { ...row, key };
}

function selectKeys(c: Context<ControlContext>, account: string | null, page: z.infer<typeof pageSchema>) {
  return c
    .get("database")
    .select(columns)
    .from(apiKeys)
    .where(ownedBy(account))
    .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id))
    .limit(page.limit)
    .offset(page.offset);
}

/** Whether there was such a key. What it had opened is closed. */
async function revokeKey(c: Context<ControlContext>, account: string | null, id: string): Promise<boolean> {
  const one = and(eq(apiKeys.id, id), ownedBy(account));
  const result = await commit(c, {
    action: "api-key.revoke",
    account,
    target: sql`(SELECT ${apiKeys.id} FROM ${apiKeys} WHERE ${one})`,
    changesTrust: false,
    statements: [c.get("database").delete(apiKeys).where(one)],
  });
  if (result.ok && account === null) {
    afterCommit(c, "edge_disconnect_failed", () => notifierOf(c.env).disconnect(id));
  }
  return result.ok;
}

export const apiKeyRoutes = createRouter();

const inAccount = z.object({ account: accountParameter });
const keyParameter = z.string().openapi({ param: { in: "path", name: "id" } });
const created = { description: "The key, with its secret", content: json(createdApiKeySchema) };
const page = { description: "A page of keys, by time of creation", content: json(listSchema(apiKeySchema)) };
const revoked = { description: "It is gone, and what it had opened is closed" };

apiKeyRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/api-keys",
    summary: "Create an API key of this account",
    tags: ["API keys"],
    request: { params: inAccount, body: body(z.strictObject({ name: captionSchema })) },
    responses: { 201: created, ...problemResponses(400, 401, 403, 404, 413, 415) },
  }),
  async (c) =>
    c.json(await createKey(c, { scope: "account", account: c.get("account") }, c.req.valid("json").name), 201),
);

apiKeyRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/api-keys",
    summary: "List the API keys of this account",
    tags: ["API keys"],
    request: { params: inAccount, query: pageSchema },
    responses: { 200: page, ...problemResponses(400, 401, 403, 404) },
  }),
  async (c) => {
    const query = c.req.valid("query");
    return c.json({ data: await selectKeys(c, c.get("account"), query), ...query }, 200);
  },
);

apiKeyRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/accounts/{account}/api-keys/{id}",
    summary: "Revoke an API key of this account",
    tags: ["API keys"],
    request: { params: inAccount.extend({ id: keyParameter }) },
    responses: { 204: revoked, ...problemResponses(401, 403, 404) },
  }),
  async (c) =>
    (await revokeKey(c, c.get("account"), c.req.valid("param").id)) ? c.body(null, 204) : notFound(c, "such API key"),
);

apiKeyRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/api-keys",
    summary: "Create an API key for an edge or an operator (admin keys)",
    tags: ["API keys"],
    request: { body: body(z.strictObject({ name: captionSchema, scope: z.enum(["admin", "edge"]) })) },
    responses: { 201: created, ...problemResponses(400, 401, 403, 413, 415) },
  }),
  async (c) => {
    const { name, scope } = c.req.valid("json");
    return c.json(await createKey(c, { scope, account: null }, name), 201);
  },
);

apiKeyRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/api-keys",
    summary: "List the API keys of edges and operators (admin keys)",
    tags: ["API keys"],
    request: { query: pageSchema },
    responses: { 200: page, ...problemResponses(400, 401, 403) },
  }),
  async (c) => {
    const query = c.req.valid("query");
    return c.json({ data: await selectKeys(c, null, query), ...query }, 200);
  },
);

apiKeyRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/api-keys/{id}",
    summary: "Revoke an API key of an edge or an operator (admin keys)",
    tags: ["API keys"],
    request: { params: z.object({ id: keyParameter }) },
    responses: { 204: revoked, ...problemResponses(401, 403, 404) },
  }),
  async (c) => ((await revokeKey(c, null, c.req.valid("param").id)) ? c.body(null, 204) : notFound(c, "such API key")),
);
