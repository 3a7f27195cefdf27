/**
 * What happens to an mTLS certificate after its upload: another version under the same id and name, other environment
 * types, disabled, deleted. Edges hear of each at once, and stop presenting what is gone.
 */
import { createRoute } from "@hono/zod-openapi";
import { and, asc, eq, sql } from "drizzle-orm";
import type { Context } from "hono";
import { commit } from "../database/commit.ts";
import { deployments, mtlsCertificates } from "../database/schema.ts";
import { body, json } from "../fields.ts";
import { problem, problemResponses } from "../problem.ts";
import { randomHex } from "../random.ts";
import { type ControlContext, createRouter } from "../router.ts";
import { findWarnings } from "./inspect.ts";
import {
  certificateNotFound,
  findCertificate,
  oneCertificate,
  refuseDuplicate,
  refuseTwin,
  refuseWithoutMasterKey,
  targetOf,
  theCertificate,
} from "./row.ts";
import {
  changeSchema,
  type KeyPair,
  type MtlsCertificateRow,
  mtlsCertificateSchema,
  presentMtlsCertificate,
  writtenMtlsCertificateSchema,
} from "./schema.ts";
import { type Keyring, openKeyring, sealPrivateKey } from "./sealed-key.ts";

export const mtlsCertificateChangeRoutes = createRouter();

type Changes = Partial<Omit<MtlsCertificateRow, "id" | "account" | "project" | "name" | "createdAt">>;

mtlsCertificateChangeRoutes.openapi(
  createRoute({
    method: "patch",
    path: "/v1/accounts/{account}/projects/{project}/mtls-certificates/{id}",
    summary: "Change the environment types, or replace certificate and key under the same id and name",
    description: "Naming environment types enables a disabled certificate again; replacing it alone does not.",
    tags: ["mTLS certificates"],
    request: { params: oneCertificate, body: body(changeSchema) },
    responses: {
      200: { description: "The certificate", content: json(writtenMtlsCertificateSchema) },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415, 503),
    },
  }),
  async function updateMtlsCertificate(c) {
    const { environmentTypes, certificate, privateKey } = c.req.valid("json");
    const row = await findCertificate(c, c.req.valid("param"));
    if (row === undefined) return certificateNotFound(c);
    const now = new Date();
    const changes: Changes = { updatedAt: now.toISOString() };
    if (environmentTypes !== undefined) Object.assign(changes, { environmentTypes, isDisabled: false });
    if (certificate !== undefined && privateKey !== undefined) {
      if (certificate.row.sha256Fingerprint === row.sha256Fingerprint) {
        return refuseTwin(c, row, row.sha256Fingerprint);
      }
      const keyring = await openKeyring(c.get("configuration"));
      if (keyring === undefined) return refuseWithoutMasterKey(c, "SALLYPORT_MASTER_KEY");
      Object.assign(changes, await createVersion(keyring, row, { certificate, privateKey }));
    }
    const changed: MtlsCertificateRow = { ...row, ...changes };
    const result = await commitChanges(c, "mtls-certificate.update", row, changes);
    if (result.ok) {
      const warnings = certificate === undefined ? [] : findWarnings(row.name, certificate.leaf, now);
      return c.json({ ...presentMtlsCertificate(changed, now), warnings }, 200);
    }
    return result.violation.kind === "unique" ? refuseDuplicate(c, changed) : certificateNotFound(c);
  },
);

async function createVersion(keyring: Keyring, row: MtlsCertificateRow, pair: KeyPair): Promise<Changes> {
  const owner = { ...row, version: randomHex(8) };
  const sealed = await sealPrivateKey(keyring, owner, pair.privateKey.pkcs8);
  return { version: owner.version, ...pair.certificate.row, ...sealed };
}

function commitChanges(c: Context<ControlContext>, action: string, row: MtlsCertificateRow, changes: Changes) {
  const { environmentTypes, subject, sha256Fingerprint } = changes;
  return commit(c, {
    action,
    account: row.account,
    target: targetOf(c, row),
    detail: {
      project: row.project,
      name: row.name,
      ...(environmentTypes && { environmentTypes: environmentTypes.join(", ") }),
      ...(subject && { subject }),
      ...(sha256Fingerprint && { sha256Fingerprint }),
    },
    changesTrust: true,
    statements: [c.get("database").update(mtlsCertificates).set(changes).where(theCertificate(c, row))],
  });
}

mtlsCertificateChangeRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/projects/{project}/mtls-certificates/{id}/disable",
    summary: "Disable a client certificate: no edge presents it from now on",
    tags: ["mTLS certificates"],
    request: { params: oneCertificate },
    responses: {
      200: { description: "The certificate", content: json(mtlsCertificateSchema) },
      ...problemResponses(401, 403, 404),
    },
  }),
  async function disableMtlsCertificate(c) {
    const row = await findCertificate(c, c.req.valid("param"));
    if (row === undefined) return certificateNotFound(c);
    const now = new Date();
    if (row.isDisabled) return c.json(presentMtlsCertificate(row, now), 200);
    const changes = { isDisabled: true, updatedAt: now.toISOString() };
    const result = await commitChanges(c, "mtls-certificate.disable", row, changes);
    return result.ok ? c.json(presentMtlsCertificate({ ...row, ...changes }, now), 200) : certificateNotFound(c);
  },
);

/** Deployments of the certificate's project that name it in their configuration. */
const IN_USE = sql`EXISTS (
  SELECT 1 FROM ${deployments}, json_each(${deployments.mtlsCertificateNames}) AS used
  WHERE ${deployments.account} = ${mtlsCertificates.account}
    AND ${deployments.project} = ${mtlsCertificates.project}
    AND used.value = ${mtlsCertificates.name})`;

mtlsCertificateChangeRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/accounts/{account}/projects/{project}/mtls-certificates/{id}",
    summary: "Delete a client certificate that no deployment uses",
    tags: ["mTLS certificates"],
    request: { params: oneCertificate },
    responses: { 204: { description: "It is gone" }, ...problemResponses(401, 403, 404, 409) },
  }),
  async function deleteMtlsCertificate(c) {
    const place = c.req.valid("param");
    const result = await commit(c, {
      action: "mtls-certificate.delete",
      account: c.get("account"),
      target: targetOf(c, place, sql`NOT ${IN_USE}`),
      detail: { project: place.project },
      changesTrust: true,
      statements: [c.get("database").delete(mtlsCertificates).where(theCertificate(c, place))],
    });
    if (result.ok) return c.body(null, 204);
    const row = await findCertificate(c, place);
    return row === undefined ? certificateNotFound(c) : refuseInUse(c, row);
  },
);

async function refuseInUse(c: Context<ControlContext>, row: MtlsCertificateRow) {
  const rows = await c
    .get("database")
    .select({ environment: deployments.environment, names: deployments.mtlsCertificateNames })
    .from(deployments)
    .where(and(eq(deployments.account, row.account), eq(deployments.project, row.project)))
    .orderBy(asc(deployments.environment));
  const users = rows.filter(({ names }) => names.includes(row.name)).map(({ environment }) => `"${environment}"`);
  return problem(c, "mtls_certificate_in_use", {
    detail: `"${row.name}" is used by the deployments ${users.join(", ")} of this project`,
    hint: "take the name out of the project and deploy it, or stop its use at once by disabling the certificate; an environment that is gone is taken off the list with DELETE …/deployments/<environment>",
  });
}
