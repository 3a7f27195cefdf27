/** `GET /v1/who-am-i`: what the caller's key is, for every scope. */
import { createRoute, z } from "@hono/zod-openapi";
import { json } from "../fields.ts";
import { problemResponses } from "../problem.ts";
import { createRouter } from "../router.ts";

const whoAmISchema = z
  .object({
    apiKeyId: z.string(),
    name: z.string(),
    scope: z.enum(["admin", "account", "edge"]),
    account: z.string().nullable(),
  })
  .openapi("WhoAmI");

export const whoAmIRoutes = createRouter();

whoAmIRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/who-am-i",
    summary: "What this API key is",
    tags: ["API keys"],
    responses: { 200: { description: "The key", content: json(whoAmISchema) }, ...problemResponses(401) },
  }),
  (c) => {
    const { keyId, name, scope, account } = c.get("principal");
    return c.json({ apiKeyId: keyId, name, scope, account }, 200);
  },
);
