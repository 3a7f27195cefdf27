/**
 * What a caller may do: an admin key everything but read the bundle, an account key what is inside its account, an
 * edge key the bundle and nothing else. Another account's things do not exist.
 */
import { eq } from "drizzle-orm";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Principal } from "./authentication.ts";
import { accounts } from "./database/schema.ts";
import { notFound, problem } from "./problem.ts";
import type { ControlContext } from "./router.ts";

/** Lets only keys of these scopes through. */
export function requireScope(...scopes: Principal["scope"][]) {
  return createMiddleware<ControlContext>(async function checkScope(c, next) {
    return scopes.includes(c.get("principal").scope) ? next() : refuseScope(c, scopes);
  });
}

/** 403 and not 404: the route is no secret, and a key of the wrong kind is a mistake that wants to be told. */
export function refuseScope(c: Context<ControlContext>, allowed: Principal["scope"][]) {
  return problem(c, "scope_not_allowed", {
    detail: `"${c.get("principal").scope}" is the scope of this API key, allowed here: ${allowed.join(", ")}`,
    hint: "use a key of another scope",
  });
}

/** For `/v1/accounts/{account}` and everything below: handlers take the account from the context, not from the path. */
export const requireAccount = createMiddleware<ControlContext>(async function requireAccount(c, next) {
  const principal = c.get("principal");
  if (principal.scope === "edge") return refuseScope(c, ["account", "admin"]);
  const name = c.req.param("account") ?? "";
  const allowed = principal.scope === "admin" ? await accountExists(c, name) : principal.account === name;
  if (!allowed) return notFound(c, "such account");
  c.set("account", name);
  return next();
});

async function accountExists(c: Context<ControlContext>, name: string): Promise<boolean> {
  const row = await c.get("database").select({ name: accounts.name }).from(accounts).where(eq(accounts.name, name));
  return row.length > 0;
}
