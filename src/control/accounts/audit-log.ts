/** `/v1/accounts/{account}/audit-log`: who did what, when; and for operators everything, at `/v1/audit-log`. */
import { createRoute, z } from "@hono/zod-openapi";
import { desc, eq } from "drizzle-orm";
import type { Context } from "hono";
import { auditLog } from "../database/schema.ts";
import { json, listSchema, pageSchema, timestampSchema } from "../fields.ts";
import { problemResponses } from "../problem.ts";
import { type ControlContext, createRouter } from "../router.ts";
import { accountParameter } from "./accounts.ts";

const auditEntrySchema = z
  .object({
    id: z.number().int(),
    at: timestampSchema,
    account: z.string().nullable(),
    actor: z.object({ apiKeyId: z.string(), scope: z.string() }),
    action: z.string().openapi({ example: "ca-certificate.create" }),
    target: z.string().openapi({ description: "The id or name of what was written to" }),
    detail: z.record(z.string(), z.string()),
  })
  .openapi("AuditEntry");

async function readEntries(c: Context<ControlContext>, account: string | undefined, page: z.infer<typeof pageSchema>) {
  const rows = await c
    .get("database")
    .select()
    .from(auditLog)
    .where(account === undefined ? undefined : eq(auditLog.account, account))
    .orderBy(desc(auditLog.id))
    .limit(page.limit)
    .offset(page.offset);
  const data = rows.map(({ actorKeyId, actorScope, ...entry }) => ({
    ...entry,
    actor: { apiKeyId: actorKeyId, scope: actorScope },
  }));
  return { data, ...page };
}

const page = { description: "A page of entries, newest first", content: json(listSchema(auditEntrySchema)) };

export const auditLogRoutes = createRouter();

auditLogRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/audit-log",
    summary: "Who did what to this account, and when",
    tags: ["Audit log"],
    request: { params: z.object({ account: accountParameter }), query: pageSchema },
    responses: { 200: page, ...problemResponses(400, 401, 403, 404) },
  }),
  async (c) => c.json(await readEntries(c, c.get("account"), c.req.valid("query")), 200),
);

auditLogRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/audit-log",
    summary: "Who did what at all (admin keys)",
    tags: ["Audit log"],
    request: { query: pageSchema },
    responses: { 200: page, ...problemResponses(400, 401, 403) },
  }),
  async (c) => c.json(await readEntries(c, undefined, c.req.valid("query")), 200),
);
