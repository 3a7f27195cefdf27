/**
 * `/v1/accounts/{account}/custom-domains`. A claim is only a wish: any number of accounts may have one for the same
 * name, none of them blocks another, and the first that proves control of the name's DNS owns it. So nobody can squat
 * on a name, and a name never has two owners (a unique index says so). An owner that lost a name is removed by whoever
 * has an admin key.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq, ne, sql } from "drizzle-orm";
import type { Context } from "hono";
import { accountParameter } from "../accounts/accounts.ts";
import { refuseScope } from "../authorization.ts";
import { commit } from "../database/commit.ts";
import { customDomains } from "../database/schema.ts";
import { body, json, labelSchema, listSchema, pageSchema, quote, timestampSchema } from "../fields.ts";
import { notFound, problem, problemResponses } from "../problem.ts";
import { randomHex } from "../random.ts";
import { type ControlContext, createRouter, type IssueParams } from "../router.ts";
import { isUnderManagedBase, parseClaimedHostname, verificationRecord } from "./hostname.ts";
import { lookUpTxt } from "./txt-lookup.ts";

type CustomDomainRow = typeof customDomains.$inferSelect;

const customDomainSchema = z
  .object({
    id: z.string().openapi({ example: "cdm_0123456789abcdef01234567" }),
    hostname: z.string().openapi({ example: "api.example.com" }),
    project: z.string(),
    status: z.enum(["pending", "active"]),
    verification: z
      .object({ type: z.literal("TXT"), name: z.string(), value: z.string() })
      .openapi({ description: "The DNS record that proves who owns the name" }),
    createdAt: timestampSchema,
    verifiedAt: timestampSchema.nullable(),
  })
  .openapi("CustomDomain");

const hostnameIssue: IssueParams = {
  code: "hostname_invalid",
  hint: "give a host name such as api.example.com, without scheme, port, path or wildcard",
};

const claimSchema = z.strictObject({
  hostname: z
    .string()
    .refine((value) => parseClaimedHostname(value) !== undefined, {
      error: (issue) => `${quote(issue.input)} is not a host name`,
      params: hostnameIssue,
    })
    .openapi({ example: "api.example.com" }),
  project: labelSchema,
  verified: z
    .literal(true)
    .optional()
    .openapi({ description: "Admin keys only: active at once, without a look at DNS" }),
});

function present(row: CustomDomainRow): z.infer<typeof customDomainSchema> {
  const { id, hostname, project, status, createdAt, verifiedAt } = row;
  return {
    id,
    hostname,
    project,
    status,
    verification: { type: "TXT", ...verificationRecord(row) },
    createdAt,
    verifiedAt,
  };
}

const inAccount = z.object({ account: accountParameter });
const oneDomain = inAccount.extend({
  hostname: z.string().openapi({ param: { in: "path", name: "hostname" }, example: "api.example.com" }),
});

/** The claim that the path names, whatever case it is written in. */
function claimIn(c: Context<ControlContext>, hostname: string) {
  const name = parseClaimedHostname(hostname) ?? "";
  return and(eq(customDomains.account, c.get("account")), eq(customDomains.hostname, name));
}

function hostnameTaken(c: Context<ControlContext>, hostname: string) {
  return problem(c, "hostname_taken", {
    detail: `"${hostname}" is active in another account`,
    hint: "a host name belongs to one account; if it is yours, ask the operator to remove it there",
  });
}

export const customDomainRoutes = createRouter();

customDomainRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/custom-domains",
    summary: "Claim a host name for a project; pending until verified",
    tags: ["Custom domains"],
    request: { params: inAccount, body: body(claimSchema) },
    responses: {
      201: { description: "The domain, and the DNS record to set", content: json(customDomainSchema) },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415),
    },
  }),
  async function createCustomDomain(c) {
    const { project, verified = false, ...input } = c.req.valid("json");
    if (verified && c.get("principal").scope !== "admin") return refuseScope(c, ["admin"]);
    const hostname = parseClaimedHostname(input.hostname) ?? "";
    const base = c.get("configuration").managedDomainBase;
    if (isUnderManagedBase(hostname, base) || (hostname === base && !verified)) {
      return problem(c, "hostname_reserved", {
        detail: `"${hostname}" is a managed domain or their base, which cannot be claimed`,
        hint: `every project has <project>.<account>.${base} already`,
      });
    }
    if (await isOwnedElsewhere(c, hostname)) return hostnameTaken(c, hostname);
    const now = new Date().toISOString();
    const row: CustomDomainRow = {
      id: `cdm_${randomHex(12)}`,
      account: c.get("account"),
      project,
      hostname,
      status: verified ? "active" : "pending",
      verificationToken: randomHex(16),
      createdAt: now,
      verifiedAt: verified ? now : null,
    };
    return insertClaim(c, row);
  },
);

/** Only to say so early: what counts is the unique index when a claim becomes active. */
async function isOwnedElsewhere(c: Context<ControlContext>, hostname: string): Promise<boolean> {
  // Not a parameter: SQLite uses a partial index only where it sees the index's own condition
  const active = and(eq(customDomains.hostname, hostname), sql`${customDomains.status} = 'active'`);
  const rows = await c
    .get("database")
    .select({ id: customDomains.id })
    .from(customDomains)
    .where(and(active, ne(customDomains.account, c.get("account"))));
  return rows.length > 0;
}

async function insertClaim(c: Context<ControlContext>, row: CustomDomainRow) {
  const result = await commit(c, {
    action: "custom-domain.create",
    account: row.account,
    target: row.id,
    detail: { hostname: row.hostname, project: row.project, status: row.status },
    changesTrust: row.status === "active",
    statements: [c.get("database").insert(customDomains).values(row)],
  });
  if (result.ok) return c.json(present(row), 201);
  if (result.violation.kind === "reference") return notFound(c, "such project");
  if (await isOwnedElsewhere(c, row.hostname)) return hostnameTaken(c, row.hostname);
  return problem(c, "hostname_claimed", {
    detail: `"${row.hostname}" is a custom domain of this account already`,
    hint: "verify it, or delete it to attach it to another project",
  });
}

customDomainRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/custom-domains",
    summary: "List custom domains",
    tags: ["Custom domains"],
    request: { params: inAccount, query: pageSchema },
    responses: {
      200: {
        description: "A page of domains, by time of creation",
        content: json(listSchema(customDomainSchema)),
      },
      ...problemResponses(400, 401, 403, 404),
    },
  }),
  async function listCustomDomains(c) {
    const { offset, limit } = c.req.valid("query");
    const rows = await c
      .get("database")
      .select()
      .from(customDomains)
      .where(eq(customDomains.account, c.get("account")))
      .orderBy(asc(customDomains.createdAt), asc(customDomains.id))
      .limit(limit)
      .offset(offset);
    return c.json({ data: rows.map(present), offset, limit }, 200);
  },
);

customDomainRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/custom-domains/{hostname}",
    summary: "Describe a custom domain",
    tags: ["Custom domains"],
    request: { params: oneDomain },
    responses: {
      200: { description: "The domain", content: json(customDomainSchema) },
      ...problemResponses(401, 403, 404),
    },
  }),
  async function describeCustomDomain(c) {
    const row = await findClaim(c, c.req.valid("param").hostname);
    return row === undefined ? notFound(c, "such custom domain") : c.json(present(row), 200);
  },
);

function findClaim(c: Context<ControlContext>, hostname: string): Promise<CustomDomainRow | undefined> {
  return c.get("database").select().from(customDomains).where(claimIn(c, hostname)).get();
}

customDomainRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/custom-domains/{hostname}/verify",
    summary: "Look for the DNS record, and make the domain active if it is there",
    tags: ["Custom domains"],
    request: { params: oneDomain },
    responses: {
      200: { description: "The domain, active", content: json(customDomainSchema) },
      ...problemResponses(401, 403, 404, 409, 502),
    },
  }),
  async function verifyCustomDomain(c) {
    const row = await findClaim(c, c.req.valid("param").hostname);
    if (row === undefined) return notFound(c, "such custom domain");
    if (row.status === "active") return c.json(present(row), 200);
    const record = verificationRecord(row);
    const lookup = await lookUpTxt(record.name, c.get("configuration").dnsResolverUrl);
    if (!lookup.ok) {
      return problem(c, "dns_lookup_failed", {
        detail: `"${record.name}" could not be looked up: ${lookup.reason}`,
        hint: "try again; an operator can set another resolver in SALLYPORT_DNS_RESOLVER_URL",
      });
    }
    if (!lookup.values.includes(record.value)) {
      const found = lookup.values.length === 0 ? "no TXT record" : `${lookup.values.length} other TXT records`;
      return problem(c, "domain_not_verified", {
        detail: `"${record.name}" does not carry the verification, found ${found}`,
        hint: `set the TXT record ${record.name} to ${record.value}; DNS may take minutes to show it`,
      });
    }
    return activate(c, row);
  },
);

async function activate(c: Context<ControlContext>, row: CustomDomainRow) {
  const active: CustomDomainRow = { ...row, status: "active", verifiedAt: new Date().toISOString() };
  const one = and(eq(customDomains.id, row.id), eq(customDomains.status, "pending"));
  const result = await commit(c, {
    action: "custom-domain.verify",
    account: row.account,
    target: sql`(SELECT ${customDomains.id} FROM ${customDomains} WHERE ${one})`,
    detail: { hostname: row.hostname },
    changesTrust: true,
    statements: [
      c.get("database").update(customDomains).set({ status: "active", verifiedAt: active.verifiedAt }).where(one),
    ],
  });
  if (result.ok) return c.json(present(active), 200);
  if (result.violation.kind === "unique") return hostnameTaken(c, row.hostname);
  // Somebody verified or deleted it while DNS was asked
  const current = await findClaim(c, row.hostname);
  return current === undefined ? notFound(c, "such custom domain") : c.json(present(current), 200);
}

customDomainRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/accounts/{account}/custom-domains/{hostname}",
    summary: "Delete a custom domain; it is no longer served",
    tags: ["Custom domains"],
    request: { params: oneDomain },
    responses: { 204: { description: "It is gone" }, ...problemResponses(401, 403, 404) },
  }),
  async function deleteCustomDomain(c) {
    const one = claimIn(c, c.req.valid("param").hostname);
    const result = await commit(c, {
      action: "custom-domain.delete",
      account: c.get("account"),
      target: sql`(SELECT ${customDomains.id} FROM ${customDomains} WHERE ${one})`,
      changesTrust: true,
      statements: [c.get("database").delete(customDomains).where(one)],
    });
    return result.ok ? c.body(null, 204) : notFound(c, "such custom domain");
  },
);
