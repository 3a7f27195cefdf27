/** The table of who may call what, over every route that the OpenAPI document lists, so that a new one is not left out. */
import { beforeAll, describe, expect, it } from "vitest";
import { admin, type Call, callWith, createAccount, createEdgeKey } from "./support.ts";

interface Route {
  method: string;
  path: string;
}

async function listRoutes(): Promise<Route[]> {
  const document = (await callWith(undefined)("GET", "/openapi.json")).body as { paths?: Record<string, object> };
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

/** The route with real or made-up things in the place of its parameters. */
function fill(path: string, account: string): string {
  return path
    .replace("{account}", account)
    .replace("{project}", "shop")
    .replace("{environment}", "production")
    .replace("{hostname}", "api.example.com")
    .replace("{id}", "anything");
}

function bodyFor(method: string): object | undefined {
  return method === "GET" || method === "DELETE" ? undefined : { name: "whatever" };
}

const isEdgeRoute = ({ path }: Route) => path.startsWith("/v1/edge/");
const isAccountRoute = ({ path }: Route) => path.startsWith("/v1/accounts/{account}");
const isOperatorRoute = ({ path }: Route) =>
  ["/v1/api-keys", "/v1/master-key", "/v1/audit-log"].some((prefix) => path.startsWith(prefix));

describe("authorization", () => {
  let routes: Route[];
  let mine: Awaited<ReturnType<typeof createAccount>>;
  let other: Awaited<ReturnType<typeof createAccount>>;
  let edge: Call;

  beforeAll(async () => {
    routes = await listRoutes();
    mine = await createAccount();
    other = await createAccount();
    edge = (await createEdgeKey()).call;
  });

  it("covers every route", () => {
    expect(routes.length).toBeGreaterThan(28);
    expect(routes.every(({ path }) => path.startsWith("/v1/"))).toBe(true);
  });

  it.each([
    ["no key", undefined, "api_key_required"],
    ["something that is not a key", "secret", "api_key_rejected"],
    ["an unknown key", `spk_0123456789abcdef_${"0".repeat(64)}`, "api_key_rejected"],
    ["a bootstrap key with another secret", `spk_bootstrap_${"0".repeat(64)}`, "api_key_rejected"],
  ])("answers 401 everywhere to %s", async (_, key, code) => {
    for (const { method, path } of routes) {
      const answer = await callWith(key)(method, fill(path, mine.name), bodyFor(method));
      expect([path, answer.status, answer.body.code]).toEqual([path, 401, code]);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    }
  });

  it("answers 401 to a real key id with another key's secret", async () => {
    const [, , secret] = mine.key.split("_");
    const [, id] = other.key.split("_");
    expect((await callWith(`spk_${id}_${secret}`)("GET", "/v1/who-am-i")).status).toBe(401);
  });

  it.each(["", "Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Token"])(
    "answers 401 to Authorization: %j",
    async (value) => {
      const answer = await callWith(undefined)("GET", "/v1/who-am-i", undefined, { authorization: value });
      expect(answer.status).toBe(401);
    },
  );

  it("answers 404 to another account's key, as if there were no such account", async () => {
    for (const { method, path } of routes.filter(isAccountRoute)) {
      const theirs = await mine.call(method, fill(path, other.name), bodyFor(method));
      const nobodys = await mine.call(method, fill(path, "no-such-account"), bodyFor(method));
      expect([path, theirs.status, theirs.body.code]).toEqual([path, 404, "not_found"]);
      expect(theirs.body.detail).toBe(nobodys.body.detail);
      expect(nobodys.status).toBe(404);
    }
  });

  it("answers 404 to an admin key for an account that does not exist", async () => {
    for (const { method, path } of routes.filter(isAccountRoute)) {
      expect((await admin(method, fill(path, "no-such-account"), bodyFor(method))).status).toBe(404);
    }
  });

  it("answers 403 to an edge key everywhere but on edge routes and who-am-i", async () => {
    for (const route of routes.filter((one) => !isEdgeRoute(one) && one.path !== "/v1/who-am-i")) {
      for (const account of [mine.name, "no-such-account"]) {
        const answer = await edge(route.method, fill(route.path, account), bodyFor(route.method));
        expect([route.method, route.path, answer.status]).toEqual([route.method, route.path, 403]);
      }
    }
  });

  it("answers 403 on edge routes to every key but an edge key", async () => {
    for (const { method, path } of routes.filter(isEdgeRoute)) {
      for (const call of [mine.call, admin]) {
        const answer = await call(method, fill(path, mine.name));
        expect([path, answer.status, answer.body.code]).toEqual([path, 403, "scope_not_allowed"]);
      }
    }
  });

  it("answers 403 to account keys on the routes of operators", async () => {
    for (const { method, path } of routes.filter(isOperatorRoute)) {
      const answer = await mine.call(method, fill(path, mine.name), bodyFor(method));
      expect([path, answer.status]).toEqual([path, 403]);
    }
    expect((await mine.call("POST", "/v1/accounts", { name: "sneaky" })).status).toBe(403);
  });

  it("does not know the things of one account under another", async () => {
    const key = (await other.call("GET", `${other.path}/api-keys`)).body.data?.[0]?.id;
    expect((await mine.call("DELETE", `${mine.path}/api-keys/${key}`)).status).toBe(404);
    expect((await other.call("GET", "/v1/who-am-i")).status).toBe(200);
  });

  it.each([
    "/v1/accounts/..%2F..",
    "/v1/accounts/%00",
    "/v1/accounts/account-1%2Fprojects",
    "/v1//accounts",
    "/v1/nothing",
  ])("answers 404 to %s", async (path) => {
    expect((await mine.call("GET", path)).status).toBe(404);
    expect((await callWith(undefined)("GET", path)).status).not.toBe(200);
  });
});
