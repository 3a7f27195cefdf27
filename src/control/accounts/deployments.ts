/**
 * `…/deployments/{environment}`: which build of a project runs where, and which client certificates its configuration
 * names, so that one that is in use is not deleted. Registering is a PUT: a deployment that starts again says the same.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq, sql } from "drizzle-orm";
import type { Context } from "hono";
import { commit } from "../database/commit.ts";
import { deployments } from "../database/schema.ts";
import { body, identifierSchema, json, listSchema, pageSchema, timestampSchema, tokenSchema } from "../fields.ts";
import { notFound, problemResponses } from "../problem.ts";
import { type ControlContext, createRouter } from "../router.ts";
import { accountParameter } from "./accounts.ts";
import { projectParameter } from "./projects.ts";

/** Far above what a project names; all of them are one value of a row. */
const CERTIFICATE_NAMES_MAX = 1000;

const registrationSchema = z.strictObject({
  environmentType: z.enum(["development", "preview", "production"]),
  buildId: tokenSchema,
  /** As the project's configuration has them: whether there are such certificates is not looked up here */
  mtlsCertificateNames: z.array(identifierSchema).max(CERTIFICATE_NAMES_MAX).default([]),
});

const deploymentSchema = z
  .object({
    environment: z.string().openapi({ example: "production" }),
    environmentType: registrationSchema.shape.environmentType,
    buildId: z.string(),
    mtlsCertificateNames: z.array(z.string()),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .openapi("Deployment");

const inProject = z.object({ account: accountParameter, project: projectParameter });
const oneDeployment = inProject.extend({ environment: tokenSchema });

function theDeployment(c: Context<ControlContext>, { project, environment }: { project: string; environment: string }) {
  return and(
    eq(deployments.account, c.get("account")),
    eq(deployments.project, project),
    eq(deployments.environment, environment),
  );
}

const columns = {
  environment: deployments.environment,
  environmentType: deployments.environmentType,
  buildId: deployments.buildId,
  mtlsCertificateNames: deployments.mtlsCertificateNames,
  createdAt: deployments.createdAt,
  updatedAt: deployments.updatedAt,
};

export const deploymentRoutes = createRouter();

deploymentRoutes.openapi(
  createRoute({
    method: "put",
    path: "/v1/accounts/{account}/projects/{project}/deployments/{environment}",
    summary: "Register what runs in an environment",
    tags: ["Deployments"],
    request: { params: oneDeployment, body: body(registrationSchema) },
    responses: {
      200: { description: "The deployment", content: json(deploymentSchema) },
      ...problemResponses(400, 401, 403, 404, 413, 415),
    },
  }),
  async function registerDeployment(c) {
    const { project, environment } = c.req.valid("param");
    const account = c.get("account");
    const now = new Date().toISOString();
    const registration = { ...c.req.valid("json"), updatedAt: now };
    const database = c.get("database");
    const key = [deployments.account, deployments.project, deployments.environment];
    const result = await commit(c, {
      action: "deployment.register",
      account,
      target: `${project}/${environment}`,
      detail: { environmentType: registration.environmentType, buildId: registration.buildId },
      changesTrust: false,
      statements: [
        database
          .insert(deployments)
          .values({ account, project, environment, createdAt: now, ...registration })
          .onConflictDoUpdate({ target: key, set: registration }),
      ],
    });
    if (!result.ok) return notFound(c, "such project");
    const one = theDeployment(c, { project, environment });
    const row = await database.select(columns).from(deployments).where(one).get();
    return row === undefined ? notFound(c, "such project") : c.json(row, 200);
  },
);

deploymentRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/projects/{project}/deployments",
    summary: "List what runs where",
    tags: ["Deployments"],
    request: { params: inProject, query: pageSchema },
    responses: {
      200: { description: "A page of deployments, by environment", content: json(listSchema(deploymentSchema)) },
      ...problemResponses(400, 401, 403, 404),
    },
  }),
  async function listDeployments(c) {
    const { offset, limit } = c.req.valid("query");
    const { project } = c.req.valid("param");
    const data = await c
      .get("database")
      .select(columns)
      .from(deployments)
      .where(and(eq(deployments.account, c.get("account")), eq(deployments.project, project)))
      .orderBy(asc(deployments.environment))
      .limit(limit)
      .offset(offset);
    return c.json({ data, offset, limit }, 200);
  },
);

deploymentRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/accounts/{account}/projects/{project}/deployments/{environment}",
    summary: "Take a deployment that is gone off the list, so that it holds on to no certificate",
    tags: ["Deployments"],
    request: { params: oneDeployment },
    responses: { 204: { description: "It is gone" }, ...problemResponses(400, 401, 403, 404) },
  }),
  async function deleteDeployment(c) {
    const { project, environment } = c.req.valid("param");
    const one = theDeployment(c, { project, environment });
    const result = await commit(c, {
      action: "deployment.delete",
      account: c.get("account"),
      target: sql`(SELECT ${`${project}/${environment}`} FROM ${deployments} WHERE ${one})`,
      changesTrust: false,
      statements: [c.get("database").delete(deployments).where(one)],
    });
    return result.ok ? c.body(null, 204) : notFound(c, "such deployment");
  },
);
