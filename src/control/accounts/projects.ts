/** `/v1/accounts/{account}/projects`. A project has a managed domain from its first moment, active at once. */
import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq, sql } from "drizzle-orm";
import type { Context } from "hono";
import { managedHostname } from "../custom-domains/hostname.ts";
import { commit } from "../database/commit.ts";
import { deployments, projects } from "../database/schema.ts";
import { body, json, labelSchema, listSchema, pageSchema, timestampSchema } from "../fields.ts";
import { notFound, problem, problemResponses } from "../problem.ts";
import { type ControlContext, createRouter } from "../router.ts";
import { accountParameter } from "./accounts.ts";

const projectSchema = z
  .object({
    name: labelSchema,
    managedDomain: z.string().openapi({ example: "example.local.localhost" }),
    createdAt: timestampSchema,
  })
  .openapi("Project");

export const projectParameter = z.string().openapi({ param: { in: "path", name: "project" }, example: "example" });
const inAccount = z.object({ account: accountParameter });
const oneProject = inAccount.extend({ project: projectParameter });

function present(row: typeof projects.$inferSelect, managedDomainBase: string): z.infer<typeof projectSchema> {
  return { name: row.name, managedDomain: managedHostname(row, managedDomainBase), createdAt: row.createdAt };
}

/** Inside the caller's account. */
export async function projectExists(c: Context<ControlContext>, name: string): Promise<boolean> {
  const one = and(eq(projects.account, c.get("account")), eq(projects.name, name));
  const rows = await c.get("database").select({ name: projects.name }).from(projects).where(one);
  return rows.length > 0;
}

export const projectRoutes = createRouter();

projectRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/accounts/{account}/projects",
    summary: "Create a project",
    tags: ["Projects"],
    request: { params: inAccount, body: body(z.strictObject({ name: labelSchema })) },
    responses: {
      201: { description: "The project", content: json(projectSchema) },
      ...problemResponses(400, 401, 403, 404, 409, 413, 415),
    },
  }),
  async function createProject(c) {
    const account = c.get("account");
    const project = { account, name: c.req.valid("json").name, createdAt: new Date().toISOString() };
    const result = await commit(c, {
      action: "project.create",
      account,
      target: project.name,
      changesTrust: true,
      statements: [c.get("database").insert(projects).values(project)],
    });
    if (!result.ok) {
      return problem(c, "name_taken", { detail: `"${project.name}" is the name of a project of this account already` });
    }
    return c.json(present(project, c.get("configuration").managedDomainBase), 201);
  },
);

projectRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/projects",
    summary: "List projects",
    tags: ["Projects"],
    request: { params: inAccount, query: pageSchema },
    responses: {
      200: { description: "A page of projects, by name", content: json(listSchema(projectSchema)) },
      ...problemResponses(400, 401, 403, 404),
    },
  }),
  async function listProjects(c) {
    const { offset, limit } = c.req.valid("query");
    const rows = await c
      .get("database")
      .select()
      .from(projects)
      .where(eq(projects.account, c.get("account")))
      .orderBy(asc(projects.name))
      .limit(limit)
      .offset(offset);
    const { managedDomainBase } = c.get("configuration");
    return c.json({ data: rows.map((row) => present(row, managedDomainBase)), offset, limit }, 200);
  },
);

projectRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/accounts/{account}/projects/{project}",
    summary: "Describe a project",
    tags: ["Projects"],
    request: { params: oneProject },
    responses: {
      200: { description: "The project", content: json(projectSchema) },
      ...problemResponses(401, 403, 404),
    },
  }),
  async function describeProject(c) {
    const row = await c
      .get("database")
      .select()
      .from(projects)
      .where(and(eq(projects.account, c.get("account")), eq(projects.name, c.req.valid("param").project)))
      .get();
    if (row === undefined) return notFound(c, "such project");
    return c.json(present(row, c.get("configuration").managedDomainBase), 200);
  },
);

projectRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/v1/accounts/{account}/projects/{project}",
    summary: "Delete a project, its managed domain and its deployments",
    tags: ["Projects"],
    request: { params: oneProject },
    responses: { 204: { description: "It is gone" }, ...problemResponses(401, 403, 404, 409) },
  }),
  async function deleteProject(c) {
    const account = c.get("account");
    const name = c.req.valid("param").project;
    const database = c.get("database");
    const one = and(eq(projects.account, account), eq(projects.name, name));
    const result = await commit(c, {
      action: "project.delete",
      account,
      target: sql`(SELECT ${projects.name} FROM ${projects} WHERE ${one})`,
      changesTrust: true,
      statements: [
        database.delete(deployments).where(and(eq(deployments.account, account), eq(deployments.project, name))),
        database.delete(projects).where(one),
      ],
    });
    if (result.ok) return c.body(null, 204);
    if (result.violation.kind === "target-gone") return notFound(c, "such project");
    return problem(c, "project_in_use", {
      detail: `"${name}" has custom domains, mTLS certificates or CA certificates of origins`,
      hint: "delete the custom domains and certificates of the project first",
    });
  },
);
