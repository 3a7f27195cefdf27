/**
 * Who is calling. Every route below `/v1` asks for an API key; there is no other way in. What a caller may do is
 * decided in authorization.ts.
 */
import { eq } from "drizzle-orm";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { BOOTSTRAP_KEY_ID, isSecretOf, parseApiKey } from "./api-key.ts";
import { apiKeys } from "./database/schema.ts";
import { problem } from "./problem.ts";
import type { ControlContext } from "./router.ts";

/** The owner of a key whose secret was shown. */
export type Principal =
  | { keyId: string; name: string; scope: "admin" | "edge"; account: null }
  | { keyId: string; name: string; scope: "account"; account: string };

const HINT = "send `Authorization: Bearer spk_…`; `sallyport dev` writes its key to <state-dir>/api-key";

export const authenticate = createMiddleware<ControlContext>(async function authenticate(c, next) {
  const header = c.req.header("authorization");
  if (header === undefined) {
    c.header("www-authenticate", "Bearer");
    return problem(c, "api_key_required", { detail: "this needs an API key", hint: HINT });
  }
  const principal = await findPrincipal(c, header);
  if (principal === undefined) {
    c.header("www-authenticate", 'Bearer error="invalid_token"');
    return problem(c, "api_key_rejected", { detail: "the API key is unknown, revoked, or not a key", hint: HINT });
  }
  c.set("principal", principal);
  return next();
});

async function findPrincipal(c: Context<ControlContext>, header: string): Promise<Principal | undefined> {
  const key = parseApiKey(/^Bearer +(\S+)$/i.exec(header)?.[1] ?? "");
  if (key === undefined) return undefined;
  if (key.id === BOOTSTRAP_KEY_ID) {
    const accepted = await isSecretOf(key.secret, c.get("configuration").bootstrapAdminKeySha256);
    return accepted ? { keyId: key.id, name: key.id, scope: "admin", account: null } : undefined;
  }
  const row = await c.get("database").select().from(apiKeys).where(eq(apiKeys.id, key.id)).get();
  if (!(await isSecretOf(key.secret, row?.secretSha256)) || row === undefined) return undefined;
  return principalOf(row);
}

/** Undefined for a row that cannot be: an account key without an account must not become anything else. */
function principalOf(row: typeof apiKeys.$inferSelect): Principal | undefined {
  const { id: keyId, name, scope, account } = row;
  if (scope === "account") return account === null ? undefined : { keyId, name, scope, account };
  return account === null ? { keyId, name, scope, account } : undefined;
}
