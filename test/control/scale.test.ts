/** A thousand accounts with ten CA certificates and ten domains each. What is counted is queries and rows, not time. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ACCOUNT_TRUST_LIST_MAX_ACCOUNTS, accountTrustListSchema } from "../../src/contract/trust-bundle.ts";
import worker from "../../src/control/worker.ts";
import { type Call, createAccount, createEdgeKey, ORIGIN, pemOf } from "./support.ts";

const ACCOUNTS = 1000;
const EACH = 10;
/** Numbers from 1, `n`, in SQL */
const SERIES = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ?1)";

async function fill(): Promise<void> {
  const many = ACCOUNTS * EACH;
  const account = `'big-' || ((n - 1) / ${EACH} + 1)`;
  const insert = (count: number, rest: string, ...more: string[]) => {
    const [target, select] = rest.split(" SELECT ");
    return env.DB.prepare(`${target} ${SERIES} SELECT ${select} FROM series`).bind(count, ...more);
  };
  await env.DB.batch([
    insert(ACCOUNTS, "INSERT INTO accounts SELECT 'big-' || n, '1-x', '2026'"),
    insert(ACCOUNTS, "INSERT INTO projects SELECT 'big-' || n, 'shop', '2026'"),
    insert(
      many,
      `INSERT INTO ca_certificates SELECT 'mtlsca_' || n, ${account}, 'ca_' || n, ?2, 's', 'i', '1', '', '', '', '', n, '2026', '2026'`,
      pemOf("root"),
    ),
    insert(
      many - ACCOUNTS,
      `INSERT INTO custom_domains SELECT 'cdm_' || n, 'big-' || ((n - 1) / ${EACH - 1} + 1), 'shop', 'h' || n || '.example.com', 'active', '', '2026', '2026'`,
    ),
  ]);
}

describe("ten thousand CA certificates and domains", () => {
  let edge: Call;
  beforeAll(async () => {
    await fill();
    edge = (await createEdgeKey()).call;
  });

  it("are read with one request for the index and one for each hundred accounts", async () => {
    const index = (await edge("GET", "/v1/edge/bundle")).body as { accounts?: { account: string }[] };
    const names = (index.accounts ?? []).map(({ account }) => account);
    expect(names).toHaveLength(ACCOUNTS);
    let [certificates, domains] = [0, 0];
    for (let start = 0; start < names.length; start += ACCOUNT_TRUST_LIST_MAX_ACCOUNTS) {
      const some = names.slice(start, start + ACCOUNT_TRUST_LIST_MAX_ACCOUNTS);
      const query = some.map((name) => `account=${name}`).join("&");
      const { accounts } = accountTrustListSchema.parse((await edge("GET", `/v1/edge/bundle/accounts?${query}`)).body);
      for (const account of accounts) {
        certificates += account.caCertificates.length;
        domains += account.domains.length;
      }
    }
    expect([certificates, domains]).toEqual([ACCOUNTS * EACH, ACCOUNTS * EACH]);
  });

  it("are searched and sorted by an index in every query of every route", async () => {
    const { path, key } = await createAccount();
    const [account, operator, edgeKey] = [key, env.TEST_BOOTSTRAP_KEY, (await createEdgeKey()).key];
    const queries = new Set<string>();
    const call = async (by: string, method: string, url: string, body?: object) => {
      const headers = { authorization: `Bearer ${by}`, "content-type": "application/json" };
      const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
      const environment = { ...env, DB: record(env.DB, queries) };
      const response = await worker.fetch(new Request(`${ORIGIN}${url}`, init), environment, context);
      expect([method, url, response.status < 300]).toEqual([method, url, true]);
      return idSchema.parse(await response.json().catch(() => ({}))).id;
    };
    for (const list of ["projects", "api-keys", "ca-certificates", "custom-domains", "audit-log"]) {
      await call(account, "GET", `${path}/${list}?offset=5`);
    }
    await call(account, "GET", `${path}/projects/shop`);
    await call(account, "PUT", `${path}/projects/shop/deployments/dev`, {
      environmentType: "development",
      buildId: "b",
    });
    await call(account, "GET", `${path}/projects/shop/deployments`);
    const id = await call(account, "POST", `${path}/ca-certificates`, { name: "ca", certificate: pemOf("root") });
    await call(account, "GET", `${path}/ca-certificates/${id}`);
    await call(account, "PATCH", `${path}/ca-certificates/${id}`, { name: "renamed" });
    await call(account, "DELETE", `${path}/ca-certificates/${id}`);
    await call(account, "POST", `${path}/custom-domains`, { hostname: "a.example.com", project: "shop" });
    await call(account, "GET", `${path}/custom-domains/a.example.com`);
    await call(account, "DELETE", `${path}/custom-domains/a.example.com`);
    await call(account, "DELETE", `${path}/projects/shop`);
    await call(operator, "GET", path);
    await call(operator, "GET", "/v1/api-keys");
    await call(edgeKey, "GET", `/v1/edge/bundle/accounts?account=big-1&account=big-2`);

    const plans = await Promise.all([...queries].map(async (query) => `${query}: ${await planOf(query)}`));
    expect(queries.size).toBeGreaterThan(30);
    expect(plans.filter((plan) => /\bSCAN (?!revision|json_each)|TEMP B-TREE/.test(plan))).toEqual([]);
  });
});

const idSchema = z.object({ id: z.string().optional() });
const context = { waitUntil() {}, passThroughOnException() {}, props: {} } as unknown as ExecutionContext;

/** `database`, with the text of all that is prepared in `queries`. */
function record(database: D1Database, queries: Set<string>): D1Database {
  return new Proxy(database, {
    get(target, property) {
      if (property === "batch") return target.batch.bind(target);
      return (query: string) => {
        queries.add(query);
        return target.prepare(query);
      };
    },
  });
}

async function planOf(query: string): Promise<string> {
  const parameters = Array.from(query.matchAll(/\?/g), () => "[]");
  const statement = env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`).bind(...parameters);
  const { results } = await statement.all<{ detail: string }>();
  return results.map(({ detail }) => detail).join("; ");
}
