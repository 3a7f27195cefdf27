import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  ACCOUNT_TRUST_LIST_MAX_ACCOUNTS,
  accountTrustListSchema,
  accountTrustSchema,
  trustBundleIndexSchema,
  trustBundleSchema,
} from "../../src/contract/trust-bundle.ts";
import { admin, type Call, createAccount, createEdgeKey, pemOf } from "./support.ts";

let edge: Call;
beforeEach(async () => {
  edge = (await createEdgeKey()).call;
});

const readIndex = async () => trustBundleIndexSchema.parse((await edge("GET", "/v1/edge/bundle")).body);
const readDocument = async (account: string) =>
  accountTrustSchema.parse((await edge("GET", `/v1/edge/bundle/accounts/${account}`)).body);
const versionIn = (index: Awaited<ReturnType<typeof readIndex>>, name: string) =>
  index.accounts.find(({ account }) => account === name)?.version;

describe("an account's document", () => {
  it("holds its CA certificates and its active domains", async () => {
    const { name, path, call } = await createAccount();
    const { id } = (await call("POST", `${path}/ca-certificates`, { name: "my_ca", certificate: pemOf("root") })).body;
    await call("POST", `${path}/custom-domains`, { hostname: "pending.example.com", project: "shop" });
    await admin("POST", `${path}/custom-domains`, { hostname: "active.example.com", project: "shop", verified: true });
    const document = await readDocument(name);
    expect(document).toEqual({
      account: name,
      version: versionIn(await readIndex(), name),
      caCertificates: [{ id, name: "my_ca", certificate: pemOf("root") }],
      domains: [
        { hostname: `shop.${name}.localhost`, project: "shop" },
        { hostname: "active.example.com", project: "shop" },
      ],
    });
  });

  it("holds nothing of another account", async () => {
    const mine = await createAccount();
    const other = await createAccount();
    await other.call("POST", `${other.path}/ca-certificates`, { name: "theirs", certificate: pemOf("root") });
    expect((await readDocument(mine.name)).caCertificates).toEqual([]);
  });

  it("is 404 when there is no such account", async () => {
    expect((await edge("GET", "/v1/edge/bundle/accounts/none")).status).toBe(404);
  });

  it("makes, with the others and the index, a bundle that edges accept", async () => {
    const { format, version, accounts } = await readIndex();
    const documents = await Promise.all(accounts.map(({ account }) => readDocument(account)));
    expect(trustBundleSchema.safeParse({ format, version, accounts: documents }).error).toBeUndefined();
  });
});

describe("several documents", () => {
  it("come in one answer, and are those that come alone", async () => {
    const names = [(await createAccount()).name, (await createAccount()).name].sort();
    const query = names.map((name) => `account=${name}`).join("&");
    const answer = await edge("GET", `/v1/edge/bundle/accounts?${query}&account=none`);
    const { accounts } = accountTrustListSchema.parse(answer.body);
    expect(accounts).toEqual(await Promise.all(names.map(readDocument)));
    const [only] = accountTrustListSchema.parse(
      (await edge("GET", `/v1/edge/bundle/accounts?account=${names[0]}`)).body,
    ).accounts;
    expect(only).toEqual(accounts[0]);
  });

  it("are bounded in number", async () => {
    const query = (count: number) => Array.from({ length: count }, (_, index) => `account=a${index}`).join("&");
    const path = "/v1/edge/bundle/accounts";
    expect((await edge("GET", `${path}?${query(ACCOUNT_TRUST_LIST_MAX_ACCOUNTS)}`)).body.accounts).toEqual([]);
    expect((await edge("GET", `${path}?${query(ACCOUNT_TRUST_LIST_MAX_ACCOUNTS + 1)}`)).status).toBe(400);
    expect((await edge("GET", path)).status).toBe(400);
  });

  it("are not had by a name that is SQL or JSON", async () => {
    await createAccount();
    for (const name of ["' OR 1=1 --", '"]} OR "', "%", "\u0000", "null"]) {
      const answer = await edge("GET", `/v1/edge/bundle/accounts?account=${encodeURIComponent(name)}`);
      expect(answer.body.accounts).toEqual([]);
    }
  });
});

describe("the index with documents of accounts that are named", () => {
  const readBoth = async (...names: string[]) => {
    const answer = await edge("GET", `/v1/edge/bundle?${names.map((name) => `account=${name}`).join("&")}`);
    return { ...trustBundleIndexSchema.parse(answer.body), headers: answer.headers };
  };

  it("has them as they come alone, leaves out those that are not there, and is the index otherwise", async () => {
    const names = [(await createAccount()).name, (await createAccount()).name].sort();
    const { documents, headers, ...index } = await readBoth(...names, "none");
    expect(documents).toEqual(await Promise.all(names.map(readDocument)));
    expect(index).toEqual(await readIndex());
    expect(headers.get("cache-control")).toContain("no-store");
    expect((await readBoth("none")).documents).toEqual([]);
    expect(await readIndex()).not.toHaveProperty("documents");
  });

  it("is of one moment, whatever is written meanwhile", async () => {
    const { name, path, call } = await createAccount();
    const writing = (async () => {
      for (let index = 0; index < 20; index++) await call("POST", `${path}/projects`, { name: `p${index}` });
    })();
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) {
      const { documents, ...index } = await readBoth(name);
      expect(documents?.map(({ version }) => version)).toEqual([versionIn(index, name)]);
      seen.add(index.version);
    }
    await writing;
    expect(seen.size).toBeGreaterThan(1);
  });

  it("is for as many accounts as documents alone are", async () => {
    const query = (count: number) => Array.from({ length: count }, (_, index) => `account=a${index}`).join("&");
    expect((await edge("GET", `/v1/edge/bundle?${query(ACCOUNT_TRUST_LIST_MAX_ACCOUNTS)}`)).status).toBe(200);
    expect((await edge("GET", `/v1/edge/bundle?${query(ACCOUNT_TRUST_LIST_MAX_ACCOUNTS + 1)}`)).status).toBe(400);
  });

  it("is answered 304 to an edge that has the present version", async () => {
    const { name } = await createAccount();
    const { version } = await readIndex();
    const answer = await edge("GET", `/v1/edge/bundle?account=${name}`, undefined, { "if-none-match": `"${version}"` });
    expect([answer.status, answer.text]).toEqual([304, ""]);
  });
});

describe("a version", () => {
  it("moves with every write that edges have to know, and only that account's", async () => {
    const { name, path, call } = await createAccount();
    const bystander = await createAccount();
    const untouched = versionIn(await readIndex(), bystander.name);
    const seen = new Set<string>();
    async function write(method: string, url: string, body?: object) {
      const before = await readIndex();
      const answer = await call(method, url, body);
      expect([200, 201, 204]).toContain(answer.status);
      const after = await readIndex();
      expect(counterOf(after.version)).toBe(counterOf(before.version) + 1);
      expect(versionIn(after, name)).toBe(after.version);
      expect(seen).not.toContain(after.version);
      seen.add(after.version);
      return answer;
    }
    const { id } = (await write("POST", `${path}/ca-certificates`, { name: "one", certificate: pemOf("root") })).body;
    await write("PATCH", `${path}/ca-certificates/${id}`, { name: "two" });
    await write("DELETE", `${path}/ca-certificates/${id}`);
    await write("POST", `${path}/projects`, { name: "second" });
    await write("DELETE", `${path}/projects/second`);
    expect(versionIn(await readIndex(), bystander.name)).toBe(untouched);
  });

  const counterOf = (version: string) => Number(version.split("-")[0]);

  it("stays with reads, with what is refused, and with what edges need not know", async () => {
    const { path, call } = await createAccount();
    await call("POST", `${path}/ca-certificates`, { name: "ca", certificate: pemOf("root") });
    const { version } = await readIndex();
    await call("GET", `${path}/ca-certificates`);
    await call("POST", `${path}/ca-certificates`, { name: "ca", certificate: pemOf("root") });
    await call("DELETE", `${path}/ca-certificates/mtlsca_none`);
    await call("POST", `${path}/api-keys`, { name: "other" });
    await call("POST", `${path}/custom-domains`, { hostname: "wish.example.com", project: "shop" });
    await call("PUT", `${path}/projects/shop/deployments/dev`, { environmentType: "development", buildId: "b" });
    expect((await readIndex()).version).toBe(version);
  });

  it("is not repeated by a database that was set back", async () => {
    const { path, call } = await createAccount();
    const saved = await env.DB.prepare("SELECT counter, nonce FROM revision").first<{
      counter: number;
      nonce: string;
    }>();
    await call("POST", `${path}/projects`, { name: "lost" });
    const { version } = await readIndex();
    await env.DB.prepare("UPDATE revision SET counter = ?, nonce = ?").bind(saved?.counter, saved?.nonce).run();
    await call("POST", `${path}/projects`, { name: "new" });
    const again = (await readIndex()).version;
    expect(counterOf(again)).toBe(counterOf(version));
    expect(again).not.toBe(version);
  });

  it("of a document is never older than what the index announced, whatever is written meanwhile", async () => {
    const { name, path, call } = await createAccount();
    const writing = (async () => {
      for (let index = 0; index < 20; index++) await call("POST", `${path}/projects`, { name: `p${index}` });
    })();
    for (let round = 0; round < 20; round++) {
      const announced = versionIn(await readIndex(), name) ?? "";
      const document = await readDocument(name);
      expect(counterOf(document.version)).toBeGreaterThanOrEqual(counterOf(announced));
    }
    await writing;
    expect((await readDocument(name)).domains).toHaveLength(21);
  });
});

describe("an edge that has the present version", () => {
  it.each([(tag: string) => tag, (tag: string) => `W/${tag}`, (tag: string) => `"other", ${tag}`])(
    "is answered 304 without a body (%#)",
    async (write) => {
      const { name } = await createAccount();
      for (const path of ["/v1/edge/bundle", `/v1/edge/bundle/accounts/${name}`]) {
        const first = await edge("GET", path);
        const tag = first.headers.get("etag") ?? "";
        expect(tag).toBe(`"${first.body.version}"`);
        const second = await edge("GET", path, undefined, { "if-none-match": write(tag) });
        expect([second.status, second.text, second.headers.get("etag")]).toEqual([304, "", tag]);
      }
    },
  );

  it("is answered in full once something changed", async () => {
    const { path, call } = await createAccount();
    const tag = (await edge("GET", "/v1/edge/bundle")).headers.get("etag") ?? "";
    await call("POST", `${path}/projects`, { name: "second" });
    const answer = await edge("GET", "/v1/edge/bundle", undefined, { "if-none-match": tag });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).not.toBe(tag);
  });
});
