/**
 * `…/projects/{project}/mtls-certificates`: the client certificates that the edge's egress presents to origins, by the
 * name that a project's configuration and code give. Private keys come in and are encrypted (sealed-key.ts); the only
 * way out is an edge's bundle.
 */
import { createRoute } from "@hono/zod-openapi";
import { and, asc, eq } from "drizzle-orm";
import { projectExists } from "../accounts/projects.ts";
import { commit } from "../database/commit.ts";
import { mtlsCertificates } from "../database/schema.ts";
import { body, json, listSchema, pageSchema } from "../fields.ts";
import { notFound, problemResponses } from "../problem.ts";
import { randomHex } from "../random.ts";
import { createRouter } from "../router.ts";
import { findWarnings } from "./inspect.ts";
import {
  certificateNotFound,
  findCertificate,
  inProject,
  oneCertificate,
  refuseDuplicate,
  refuseWithoutMasterKey,
} from "./row.ts";
import {
  describedMtlsCertificateSchema,
  type MtlsCertificateRow,
  mtlsCertificateSchema,
  presentMtlsCertificate,
  uploadSchema,
  writtenMtlsCertificateSchema,
} from "./schema.ts";
import { openKeyring, sealPrivateKey } from "./sealed-key.ts";

export const mtlsCertificateRoutes = createRouter();

mtlsCertificateRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/projects/{project}/mtls-certificates",
    summary: "Upload a client certificate for origins, with its private key",
    tags: ["mTLS certificates"],
    request: { params: inProject, body: body(uploadSchema) },
    responses: {
      201: { description: "The certificate", content: json(writtenMtlsCertificateSchema) },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415, 503),
    },
  }),
  async function createMtlsCertificate(c) {
    const { name, environmentTypes, certificate, privateKey } = c.req.valid("json");
    const keyring = await openKeyring(c.get("configuration"));
    if (keyring === undefined) return refuseWithoutMasterKey(c, "SALLYPORT_MASTER_KEY");
    const now = new Date();
    const owner = {
      id: `cert_${randomHex(12)}`,
      account: c.get("account"),
      project: c.req.valid("param").project,
      version: randomHex(8),
    };
    const row: MtlsCertificateRow = {
      ...owner,
      name,
      environmentTypes,
      isDisabled: false,
      ...certificate.row,
      ...(await sealPrivateKey(keyring, owner, privateKey.pkcs8)),
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
    };
    const result = await commit(c, {
      action: "mtls-certificate.create",
      account: row.account,
      target: row.id,
      detail: {
        project: row.project,
        name,
        subject: row.subject,
        sha256Fingerprint: row.sha256Fingerprint,
        environmentTypes: environmentTypes.join(", "),
      },
      changesTrust: true,
      statements: [c.get("database").insert(mtlsCertificates).values(row)],
    });
    if (result.ok) {
      return c.json({ ...presentMtlsCertificate(row, now), warnings: findWarnings(name, certificate.leaf, now) }, 201);
    }
    return result.violation.kind === "unique" ? refuseDuplicate(c, row) : notFound(c, "such project");
  },
);

mtlsCertificateRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/projects/{project}/mtls-certificates",
    summary: "List the client certificates of a project",
    tags: ["mTLS certificates"],
    request: { params: inProject, query: pageSchema },
    responses: {
      200: {
        description: "A page of certificates, by time of upload",
        content: json(listSchema(mtlsCertificateSchema)),
      },
      ...problemResponses(400, 401, 403, 404),
    },
  }),
  async function listMtlsCertificates(c) {
    const { offset, limit } = c.req.valid("query");
    const { project } = c.req.valid("param");
    if (!(await projectExists(c, project))) return notFound(c, "such project");
    const rows = await c
      .get("database")
      .select()
      .from(mtlsCertificates)
      .where(and(eq(mtlsCertificates.account, c.get("account")), eq(mtlsCertificates.project, project)))
      .orderBy(asc(mtlsCertificates.createdAt), asc(mtlsCertificates.id))
      .limit(limit)
      .offset(offset);
    const now = new Date();
    return c.json({ data: rows.map((row) => presentMtlsCertificate(row, now)), offset, limit }, 200);
  },
);

mtlsCertificateRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/projects/{project}/mtls-certificates/{id}",
    summary: "Describe a client certificate, with its PEM and without its private key",
    tags: ["mTLS certificates"],
    request: { params: oneCertificate },
    responses: {
      200: { description: "The certificate", content: json(describedMtlsCertificateSchema) },
      ...problemResponses(401, 403, 404),
    },
  }),
  async function describeMtlsCertificate(c) {
    const row = await findCertificate(c, c.req.valid("param"));
    if (row === undefined) return certificateNotFound(c);
    return c.json({ ...presentMtlsCertificate(row, new Date()), certificate: row.certificate }, 200);
  },
);
