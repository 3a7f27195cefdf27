/**
 * `…/projects/{project}/origin-cas`: private CAs whose server certificates the egress accepts for the project's
 * origins, beside the public roots. An id's certificate never changes: upload the new one, delete the old one later.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq, or, sql } from "drizzle-orm";
import type { Context } from "hono";
import { accountParameter } from "../accounts/accounts.ts";
import { projectExists, projectParameter } from "../accounts/projects.ts";
import { warnNotYetValid } from "../ca-certificates/warnings.ts";
import { commit } from "../database/commit.ts";
import { originCas } from "../database/schema.ts";
import { body, json, listSchema, pageSchema } from "../fields.ts";
import { notFound, problem, problemResponses } from "../problem.ts";
import { randomHex } from "../random.ts";
import { type ControlContext, createRouter } from "../router.ts";
import {
  createdOriginCaSchema,
  describedOriginCaSchema,
  type OriginCaRow,
  originCaSchema,
  presentOriginCa,
  uploadSchema,
} from "./schema.ts";

const inProject = z.object({ account: accountParameter, project: projectParameter });
const oneOriginCa = inProject.extend({
  id: z.string().openapi({ param: { in: "path", name: "id" }, example: "oca_0123456789abcdef01234567" }),
});

function theOriginCa(c: Context<ControlContext>, { project, id }: { project: string; id: string }) {
  return and(eq(originCas.id, id), eq(originCas.account, c.get("account")), eq(originCas.project, project));
}

export const originCaRoutes = createRouter();

originCaRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/projects/{project}/origin-cas",
    summary: "Upload a CA certificate of origins",
    tags: ["Origin CAs"],
    request: { params: inProject, body: body(uploadSchema) },
    responses: {
      201: { description: "The CA certificate", content: json(createdOriginCaSchema) },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415),
    },
  }),
  async function createOriginCa(c) {
    const { name, certificate: inspected } = c.req.valid("json");
    const now = new Date();
    const { subjectKeyId: _, ...kept } = inspected;
    const row: OriginCaRow = {
      id: `oca_${randomHex(12)}`,
      account: c.get("account"),
      project: c.req.valid("param").project,
      name,
      ...kept,
      createdAt: now.toISOString(),
    };
    const result = await commit(c, {
      action: "origin-ca.create",
      account: row.account,
      target: row.id,
      detail: { project: row.project, name, subject: row.subject, sha256Fingerprint: row.sha256Fingerprint },
      changesTrust: true,
      statements: [c.get("database").insert(originCas).values(row)],
    });
    if (result.ok) return c.json({ ...presentOriginCa(row, now), warnings: warnNotYetValid(row, now) }, 201);
    return result.violation.kind === "unique" ? refuseDuplicate(c, row) : notFound(c, "such project");
  },
);

/** The same certificate counts before the same name: it is the answer to a request that is repeated. */
async function refuseDuplicate(c: Context<ControlContext>, row: OriginCaRow) {
  const sameCertificate = eq(originCas.sha256Fingerprint, row.sha256Fingerprint);
  const inSameProject = and(eq(originCas.account, row.account), eq(originCas.project, row.project));
  const existing = await c
    .get("database")
    .select()
    .from(originCas)
    .where(and(inSameProject, or(sameCertificate, eq(originCas.name, row.name))));
  const twin = existing.find(({ sha256Fingerprint }) => sha256Fingerprint === row.sha256Fingerprint);
  if (twin === undefined) {
    return problem(c, "name_taken", {
      detail: `"${row.name}" is the name of an origin CA of this project already`,
      hint: "choose another name; to rotate, upload the new one beside the old one and delete the old one later",
    });
  }
  return problem(c, "origin_ca_exists", {
    detail: `"${twin.name}" (${twin.id}) is this certificate already, with the fingerprint ${twin.sha256Fingerprint}`,
    hint: "there is nothing to do",
  });
}

originCaRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/projects/{project}/origin-cas",
    summary: "List the CA certificates of a project's origins",
    tags: ["Origin CAs"],
    request: { params: inProject, query: pageSchema },
    responses: {
      200: {
        description: "A page of CA certificates, by time of upload",
        content: json(listSchema(originCaSchema)),
      },
      ...problemResponses(400, 401, 403, 404),
    },
  }),
  async function listOriginCas(c) {
    const { offset, limit } = c.req.valid("query");
    const { project } = c.req.valid("param");
    if (!(await projectExists(c, project))) return notFound(c, "such project");
    const rows = await c
      .get("database")
      .select()
      .from(originCas)
      .where(and(eq(originCas.account, c.get("account")), eq(originCas.project, project)))
      .orderBy(asc(originCas.createdAt), asc(originCas.id))
      .limit(limit)
      .offset(offset);
    const now = new Date();
    return c.json({ data: rows.map((row) => presentOriginCa(row, now)), offset, limit }, 200);
  },
);

originCaRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/projects/{project}/origin-cas/{id}",
    summary: "Describe a CA certificate of origins, with its PEM",
    tags: ["Origin CAs"],
    request: { params: oneOriginCa },
    responses: {
      200: { description: "The CA certificate", content: json(describedOriginCaSchema) },
      ...problemResponses(401, 403, 404),
    },
  }),
  async function describeOriginCa(c) {
    const one = theOriginCa(c, c.req.valid("param"));
    const row = await c.get("database").select().from(originCas).where(one).get();
    if (row === undefined) return notFound(c, "such origin CA");
    return c.json({ ...presentOriginCa(row, new Date()), certificate: row.certificate }, 200);
  },
);

originCaRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/accounts/{account}/projects/{project}/origin-cas/{id}",
    summary: "Delete a CA certificate of origins: their server certificates are no longer accepted",
    tags: ["Origin CAs"],
    request: { params: oneOriginCa },
    responses: { 204: { description: "It is gone" }, ...problemResponses(401, 403, 404) },
  }),
  async function deleteOriginCa(c) {
    const one = theOriginCa(c, c.req.valid("param"));
    const result = await commit(c, {
      action: "origin-ca.delete",
      account: c.get("account"),
      target: sql`(SELECT ${originCas.id} FROM ${originCas} WHERE ${one})`,
      detail: { project: c.req.valid("param").project },
      changesTrust: true,
      statements: [c.get("database").delete(originCas).where(one)],
    });
    return result.ok ? c.body(null, 204) : notFound(c, "such origin CA");
  },
);
