/**
 * `/v1/accounts/{account}/ca-certificates`: the roots that anchor client certificates on all active domains of the
 * account. The certificate of an id never changes; to replace it, upload the new one, and delete the old one later.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq, or, sql } from "drizzle-orm";
import type { Context } from "hono";
import { accountParameter } from "../accounts/accounts.ts";
import { commit } from "../database/commit.ts";
import { caCertificates } from "../database/schema.ts";
import { body, identifierSchema, json, listSchema, pageSchema } from "../fields.ts";
import { notFound, problem, problemResponses } from "../problem.ts";
import { randomHex } from "../random.ts";
import { type ControlContext, createRouter } from "../router.ts";
import {
  caCertificateSchema,
  createdCaCertificateSchema,
  describedCaCertificateSchema,
  presentCaCertificate,
  uploadSchema,
} from "./schema.ts";
import { findWarnings } from "./warnings.ts";

type CaCertificateRow = typeof caCertificates.$inferSelect;

const inAccount = z.object({ account: accountParameter });
const oneCertificate = inAccount.extend({
  id: z.string().openapi({ param: { in: "path", name: "id" }, example: "mtlsca_0123456789abcdef01234567" }),
});

function theCertificate(c: Context<ControlContext>, id: string) {
  return and(eq(caCertificates.id, id), eq(caCertificates.account, c.get("account")));
}

function findCertificate(c: Context<ControlContext>, id: string): Promise<CaCertificateRow | undefined> {
  return c.get("database").select().from(caCertificates).where(theCertificate(c, id)).get();
}

/** For {@link Change.target}: the id, or null when the certificate is gone. */
function targetOf(c: Context<ControlContext>, id: string) {
  return sql<string>`(SELECT ${caCertificates.id} FROM ${caCertificates} WHERE ${theCertificate(c, id)})`;
}

export const caCertificateRoutes = createRouter();

caCertificateRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/ca-certificates",
    summary: "Upload a CA certificate",
    tags: ["CA certificates"],
    request: { params: inAccount, body: body(uploadSchema) },
    responses: {
      201: { description: "The CA certificate", content: json(createdCaCertificateSchema) },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415),
    },
  }),
  async function createCaCertificate(c) {
    const { name, certificate: inspected } = c.req.valid("json");
    const now = new Date();
    const row: CaCertificateRow = {
      id: `mtlsca_${randomHex(12)}`,
      account: c.get("account"),
      name,
      ...inspected,
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
    };
    const warnings = await findWarnings(c.get("database"), row, now);
    const result = await commit(c, {
      action: "ca-certificate.create",
      account: row.account,
      target: row.id,
      detail: { name, subject: row.subject, sha256Fingerprint: row.sha256Fingerprint },
      changesTrust: true,
      statements: [c.get("database").insert(caCertificates).values(row)],
    });
    if (!result.ok) return refuseDuplicate(c, row);
    return c.json({ ...presentCaCertificate(row, now), warnings }, 201);
  },
);

/** The same certificate counts before the same name: it is the answer to a request that is repeated. */
async function refuseDuplicate(c: Context<ControlContext>, row: CaCertificateRow) {
  const sameCertificate = eq(caCertificates.sha256Fingerprint, row.sha256Fingerprint);
  const existing = await c
    .get("database")
    .select()
    .from(caCertificates)
    .where(and(eq(caCertificates.account, row.account), or(sameCertificate, eq(caCertificates.name, row.name))));
  const same = existing.find(({ sha256Fingerprint }) => sha256Fingerprint === row.sha256Fingerprint);
  if (same === undefined) return refuseName(c, row.name);
  return problem(c, "ca_certificate_exists", {
    detail: `"${same.name}" (${same.id}) is this certificate already, with the fingerprint ${same.sha256Fingerprint}`,
    hint: "there is nothing to do, or rename the one that is there",
  });
}

function refuseName(c: Context<ControlContext>, name: string) {
  return problem(c, "name_taken", {
    detail: `"${name}" is the name of a CA certificate of this account already`,
    hint: "choose another name; to rotate, upload the new one beside the old one and delete the old one later",
  });
}

caCertificateRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/ca-certificates",
    summary: "List CA certificates",
    tags: ["CA certificates"],
    request: { params: inAccount, query: pageSchema },
    responses: {
      200: {
        description: "A page of CA certificates, by time of upload",
        content: json(listSchema(caCertificateSchema)),
      },
      ...problemResponses(400, 401, 403, 404),
    },
  }),
  async function listCaCertificates(c) {
    const { offset, limit } = c.req.valid("query");
    const rows = await c
      .get("database")
      .select()
      .from(caCertificates)
      .where(eq(caCertificates.account, c.get("account")))
      .orderBy(asc(caCertificates.createdAt), asc(caCertificates.id))
      .limit(limit)
      .offset(offset);
    const now = new Date();
    return c.json({ data: rows.map((row) => presentCaCertificate(row, now)), offset, limit }, 200);
  },
);

caCertificateRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/ca-certificates/{id}",
    summary: "Describe a CA certificate, with its PEM",
    tags: ["CA certificates"],
    request: { params: oneCertificate },
    responses: {
      200: { description: "The CA certificate", content: json(describedCaCertificateSchema) },
      ...problemResponses(401, 403, 404),
    },
  }),
  async function describeCaCertificate(c) {
    const row = await findCertificate(c, c.req.valid("param").id);
    if (row === undefined) return notFound(c, "such CA certificate");
    return c.json({ ...presentCaCertificate(row, new Date()), certificate: row.certificate }, 200);
  },
);

caCertificateRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/v1/accounts/{account}/ca-certificates/{id}",
    summary: "Rename a CA certificate",
    tags: ["CA certificates"],
    request: { params: oneCertificate, body: body(z.strictObject({ name: identifierSchema })) },
    responses: {
      200: { description: "The CA certificate", content: json(caCertificateSchema) },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415),
    },
  }),
  async function renameCaCertificate(c) {
    const { id } = c.req.valid("param");
    const { name } = c.req.valid("json");
    const row = await findCertificate(c, id);
    if (row === undefined) return notFound(c, "such CA certificate");
    const now = new Date();
    const renamed: CaCertificateRow = { ...row, name, updatedAt: now.toISOString() };
    if (row.name === name) return c.json(presentCaCertificate(row, now), 200);
    const result = await commit(c, {
      action: "ca-certificate.rename",
      account: c.get("account"),
      target: targetOf(c, id),
      detail: { from: row.name, to: name },
      changesTrust: true,
      statements: [
        c
          .get("database")
          .update(caCertificates)
          .set({ name, updatedAt: renamed.updatedAt })
          .where(theCertificate(c, id)),
      ],
    });
    if (result.ok) return c.json(presentCaCertificate(renamed, now), 200);
    return result.violation.kind === "unique" ? refuseName(c, name) : notFound(c, "such CA certificate");
  },
);

caCertificateRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/accounts/{account}/ca-certificates/{id}",
    summary: "Delete a CA certificate: clients that it anchors are rejected from the next request on",
    tags: ["CA certificates"],
    request: { params: oneCertificate },
    responses: { 204: { description: "It is gone" }, ...problemResponses(401, 403, 404) },
  }),
  async function deleteCaCertificate(c) {
    const { id } = c.req.valid("param");
    const result = await commit(c, {
      action: "ca-certificate.delete",
      account: c.get("account"),
      target: targetOf(c, id),
      changesTrust: true,
      statements: [c.get("database").delete(caCertificates).where(theCertificate(c, id))],
    });
    return result.ok ? c.body(null, 204) : notFound(c, "such CA certificate");
  },
);
