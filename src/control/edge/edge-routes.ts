/** `/v1/edge`: for edge keys only, and read-only. The shapes are the contract's (src/contract/trust-bundle.ts). */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  ACCOUNT_TRUST_LIST_MAX_ACCOUNTS,
  accountTrustListSchema,
  accountTrustSchema,
  trustBundleIndexSchema,
} from "../../contract/trust-bundle.ts";
import { accountParameter } from "../accounts/accounts.ts";
import { json } from "../fields.ts";
import { notFound, problem, problemResponses } from "../problem.ts";
import { type ControlContext, createRouter } from "../router.ts";
import { readAccountTrust, readIndex, readIndexWithDocuments, readVersion } from "./bundle.ts";
import { connectEdge } from "./notifier.ts";

/** One or several, as query parameters come */
const accountNames = z
  .union([z.string().transform((name) => [name]), z.array(z.string()).max(ACCOUNT_TRUST_LIST_MAX_ACCOUNTS)])
  .openapi({ type: "array", items: { type: "string" }, maxItems: ACCOUNT_TRUST_LIST_MAX_ACCOUNTS });

const ifNoneMatch = z.object({ "if-none-match": z.string().optional() });
const notModified = { description: "The caller's copy, named in If-None-Match, is the present one" };

/** Whether the caller has this version already (RFC 9110, section 13.1.2; a weak comparison). */
function isCurrent(c: Context<ControlContext>, version: string): boolean {
  const tags = c.req.header("if-none-match")?.split(",") ?? [];
  return tags.some((tag) => tag.trim().replace(/^W\//, "") === `"${version}"`);
}

function tagged(c: Context<ControlContext>, version: string): void {
  c.header("etag", `"${version}"`);
  c.header("cache-control", "private, no-cache");
}

/** A document holds private keys: nothing on the way keeps a copy. */
const SECRET_CACHE_CONTROL = "private, no-store";

export const edgeRoutes = createRouter();

edgeRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/edge/bundle",
    summary: "The index: every account with the version of its document; and the documents of accounts that are named",
    tags: ["Edges"],
    request: { headers: ifNoneMatch, query: z.strictObject({ account: accountNames.optional() }) },
    responses: {
      200: { description: "The index", content: json(trustBundleIndexSchema) },
      304: notModified,
      ...problemResponses(400, 401, 403),
    },
  }),
  async function readBundleIndex(c) {
    const database = c.get("database");
    // An edge that was told of a change sends no tag and need not wait for this look.
    if (c.req.header("if-none-match") !== undefined) {
      const version = await readVersion(database);
      tagged(c, version);
      if (isCurrent(c, version)) return c.body(null, 304);
    }
    const names = c.req.valid("query").account;
    const index = await (names === undefined
      ? readIndex(database)
      : readIndexWithDocuments(database, names, c.get("configuration")));
    tagged(c, index.version);
    if (names !== undefined) c.header("cache-control", SECRET_CACHE_CONTROL);
    return c.json(index, 200);
  },
);

edgeRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/edge/bundle/accounts",
    summary: "The documents of the accounts that are named",
    tags: ["Edges"],
    request: { query: z.strictObject({ account: accountNames }) },
    responses: {
      200: { description: "Those that exist, by name", content: json(accountTrustListSchema) },
      ...problemResponses(400, 401, 403),
    },
  }),
  async function readAccountDocuments(c) {
    const names = c.req.valid("query").account;
    const accounts = await readAccountTrust(c.get("database"), names, c.get("configuration"));
    c.header("cache-control", SECRET_CACHE_CONTROL);
    return c.json({ accounts }, 200);
  },
);

edgeRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/edge/bundle/accounts/{account}",
    summary: "The document of one account",
    tags: ["Edges"],
    request: { params: z.object({ account: accountParameter }), headers: ifNoneMatch },
    responses: {
      200: {
        description: "Its certificates and active domains, with the private keys that edges present",
        content: json(accountTrustSchema),
      },
      304: notModified,
      ...problemResponses(401, 403, 404),
    },
  }),
  async function readAccountDocument(c) {
    const name = c.req.valid("param").account;
    const [document] = await readAccountTrust(c.get("database"), [name], c.get("configuration"));
    if (document === undefined) return notFound(c, "such account");
    tagged(c, document.version);
    c.header("cache-control", SECRET_CACHE_CONTROL);
    return isCurrent(c, document.version) ? c.body(null, 304) : c.json(document, 200);
  },
);

edgeRoutes.openapi(
  createRoute({
    method: "get",
    path: "/v1/edge/events",
    summary: "A WebSocket that says the version of the index after connecting and whenever it changes",
    description:
      'A message is `{"version":"…"}`, with `"accounts":["…"]` where it says what changed; `ping` is answered with `pong`.',
    tags: ["Edges"],
    responses: { 101: { description: "The WebSocket" }, ...problemResponses(401, 403, 426) },
  }),
  async function openEvents(c) {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      return problem(c, "upgrade_required", { detail: "this is a WebSocket", hint: "send `Upgrade: websocket`" });
    }
    return connectEdge(c.env, c.get("principal").keyId);
  },
);
