import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { admin, createAccount, createEdgeKey } from "./support.ts";

const verificationSchema = z.object({ type: z.literal("TXT"), name: z.string(), value: z.string() });

async function createOwner() {
  const account = await createAccount();
  const path = `${account.path}/custom-domains`;
  const claim = (hostname: string, more = {}) => account.call("POST", path, { hostname, project: "shop", ...more });
  const verify = (hostname: string) => account.call("POST", `${path}/${hostname}/verify`);
  const recordOf = async (hostname: string) =>
    verificationSchema.parse((await account.call("GET", `${path}/${hostname}`)).body.verification);
  return { ...account, path, claim, verify, recordOf };
}

/** What the resolver of the tests (vitest.config.ts) will answer for the TXT records of `name`. */
async function setAnswer(name: string, answer: string): Promise<void> {
  await fetch(`https://dns.test/records?${new URLSearchParams({ name: `${name} TXT` })}`, {
    method: "PUT",
    body: answer,
  });
}

function setTxt(name: string, ...data: string[]): Promise<void> {
  const records = data.map((value) => ({ name, type: 16, TTL: 60, data: value }));
  return setAnswer(
    name,
    JSON.stringify({ Status: 0, Answer: [{ name, type: 5, data: "alias.example." }, ...records] }),
  );
}

async function activeHostnames(account: string): Promise<unknown> {
  const edge = await createEdgeKey();
  return (await edge.call("GET", `/v1/edge/bundle/accounts/${account}`)).body.domains;
}

describe("a custom domain", () => {
  it("is pending until its DNS record is there, and active from then on", async () => {
    const owner = await createOwner();
    const created = await owner.claim("api.example.com");
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      hostname: "api.example.com",
      project: "shop",
      status: "pending",
      verifiedAt: null,
    });
    expect(created.body.id).toMatch(/^cdm_[0-9a-f]{24}$/);
    const record = await owner.recordOf("api.example.com");
    expect(record.name).toBe("_sallyport.api.example.com");
    expect(record.value).toMatch(/^sallyport-verify=[0-9a-f]{32}$/);

    const early = await owner.verify("api.example.com");
    expect([early.status, early.body.code]).toEqual([409, "domain_not_verified"]);
    expect(early.body.hint).toContain(record.value);
    await setTxt(record.name, '"v=spf1 -all"');
    expect((await owner.verify("api.example.com")).body.detail).toContain("1 other TXT records");
    expect(await activeHostnames(owner.name)).toHaveLength(1);

    await setTxt(record.name, '"v=spf1 -all"', `"${record.value}"`);
    const verified = await owner.verify("api.example.com");
    expect([verified.status, verified.body.status]).toEqual([200, "active"]);
    expect(await activeHostnames(owner.name)).toContainEqual({ hostname: "api.example.com", project: "shop" });
    expect((await owner.verify("api.example.com")).body).toEqual(verified.body);
  });

  it.each([
    ["without quotes", (value: string) => value],
    ["in several strings", (value: string) => `"${value.slice(0, 10)}" "${value.slice(10)}"`],
  ])("is verified by a record that the resolver gives %s", async (_, write) => {
    const owner = await createOwner();
    const hostname = `${owner.name}.example.net`;
    await owner.claim(hostname);
    const record = await owner.recordOf(hostname);
    await setTxt(record.name, write(record.value));
    expect((await owner.verify(hostname)).status).toBe(200);
  });

  it.each(["500", "not JSON", "[]", '{"Status":2}', '{"Status":0,"Answer":"x"}'])(
    "stays pending when the resolver answers %s",
    async (answer) => {
      const owner = await createOwner();
      const hostname = `${owner.name}.example.org`;
      await owner.claim(hostname);
      await setAnswer(`_sallyport.${hostname}`, answer);
      const verified = await owner.verify(hostname);
      expect([verified.status, verified.body.code]).toEqual([502, "dns_lookup_failed"]);
      expect((await owner.call("GET", `${owner.path}/${hostname}`)).body.status).toBe("pending");
    },
  );

  it("is not verified by a record of another type or another account", async () => {
    const owner = await createOwner();
    const other = await createOwner();
    await owner.claim("types.example.com");
    await other.claim("types.example.com");
    const { name, value } = await owner.recordOf("types.example.com");
    await setAnswer(name, JSON.stringify({ Status: 0, Answer: [{ name, type: 5, data: value }] }));
    expect((await owner.verify("types.example.com")).body.code).toBe("domain_not_verified");
    await setTxt(name, (await other.recordOf("types.example.com")).value);
    expect((await owner.verify("types.example.com")).body.code).toBe("domain_not_verified");
  });

  it("is found in any spelling of its name", async () => {
    const owner = await createOwner();
    expect((await owner.claim("Spelling.Example.COM.")).body.hostname).toBe("spelling.example.com");
    expect((await owner.claim("spelling.example.com")).body.code).toBe("hostname_claimed");
    expect((await owner.call("GET", `${owner.path}/SPELLING.example.com`)).status).toBe(200);
  });

  it("is deleted once, and no longer served", async () => {
    const owner = await createOwner();
    await admin("POST", owner.path, { hostname: "gone.example.com", project: "shop", verified: true });
    expect(await activeHostnames(owner.name)).toHaveLength(2);
    expect((await owner.call("DELETE", `${owner.path}/gone.example.com`)).status).toBe(204);
    expect((await owner.call("DELETE", `${owner.path}/gone.example.com`)).status).toBe(404);
    expect(await activeHostnames(owner.name)).toHaveLength(1);
  });

  it("needs a project of the account", async () => {
    const owner = await createOwner();
    const answer = await owner.claim("project.example.com", { project: "none" });
    expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
    expect((await owner.call("GET", owner.path)).body.data).toEqual([]);
  });
});

describe("a host name that two accounts claim", () => {
  it("goes to the one that proves control of its DNS, whoever came first", async () => {
    const squatter = await createOwner();
    const owner = await createOwner();
    expect((await squatter.claim("wanted.example.com")).status).toBe(201);
    expect((await owner.claim("wanted.example.com")).status).toBe(201);
    const [squatted, owned] = [
      await squatter.recordOf("wanted.example.com"),
      await owner.recordOf("wanted.example.com"),
    ];
    expect(squatted.value).not.toBe(owned.value);
    await setTxt(owned.name, owned.value);
    expect((await squatter.verify("wanted.example.com")).body.code).toBe("domain_not_verified");
    expect((await owner.verify("wanted.example.com")).status).toBe(200);

    await setTxt(owned.name, owned.value, squatted.value);
    const late = await squatter.verify("wanted.example.com");
    expect([late.status, late.body.code]).toEqual([409, "hostname_taken"]);
    expect(late.text).not.toContain(owner.name);
    expect(await activeHostnames(squatter.name)).toHaveLength(1);
    expect((await (await createOwner()).claim("wanted.example.com")).body.code).toBe("hostname_taken");
  });

  it("goes to one of them when both verify at once", async () => {
    const [a, b] = [await createOwner(), await createOwner()];
    for (const owner of [a, b]) await owner.claim("race.example.com");
    const [first, second] = [await a.recordOf("race.example.com"), await b.recordOf("race.example.com")];
    await setTxt(first.name, first.value, second.value);
    const answers = await Promise.all([a.verify("race.example.com"), b.verify("race.example.com")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it("is free again when its owner deletes it", async () => {
    const [a, b] = [await createOwner(), await createOwner()];
    await admin("POST", a.path, { hostname: "moved.example.com", project: "shop", verified: true });
    await a.call("DELETE", `${a.path}/moved.example.com`);
    await b.claim("moved.example.com");
    const record = await b.recordOf("moved.example.com");
    await setTxt(record.name, record.value);
    expect((await b.verify("moved.example.com")).status).toBe(200);
  });
});

describe("a claim is refused for", () => {
  it.each([
    "",
    "a b",
    "*.example.com",
    "https://example.com",
    "example.com:443",
    "example.com/x",
    "127.0.0.1",
    "1.2.3.0x7f",
    "[::1]",
    "-a.example.com",
    "a..b",
    "exa\nmple.com",
    "x'; DROP TABLE accounts;--.com",
    `${"a".repeat(64)}.com`,
  ])("%j, which is no host name", async (hostname) => {
    const owner = await createOwner();
    const answer = await owner.claim(hostname);
    expect([answer.status, answer.body.code]).toEqual([400, "hostname_invalid"]);
  });

  it.each(["localhost", "LOCALHOST.", "shop.acme.localhost", "a.localhost", "x.y.z.localhost"])(
    "%s, which is given out here",
    async (hostname) => {
      const owner = await createOwner();
      const answer = await owner.claim(hostname);
      expect([answer.status, answer.body.code]).toEqual([400, "hostname_reserved"]);
    },
  );

  it("an account key that calls it verified", async () => {
    const owner = await createOwner();
    const answer = await owner.claim("fast.example.com", { verified: true });
    expect([answer.status, answer.body.code]).toEqual([403, "scope_not_allowed"]);
    expect((await owner.claim("localhost", { verified: true })).status).toBe(403);
    expect((await owner.claim("fast.example.com", { verified: false })).status).toBe(400);
  });
});

describe("an admin key", () => {
  it("attaches the plain base, active at once, to one account only", async () => {
    const [a, b] = [await createOwner(), await createOwner()];
    const body = { hostname: "localhost", project: "shop", verified: true };
    expect((await admin("POST", a.path, body)).body).toMatchObject({ hostname: "localhost", status: "active" });
    expect(await activeHostnames(a.name)).toContainEqual({ hostname: "localhost", project: "shop" });
    expect((await admin("POST", b.path, body)).body.code).toBe("hostname_taken");
    expect((await admin("POST", a.path, body)).body.code).toBe("hostname_claimed");
  });

  it("cannot attach a managed domain of somebody either", async () => {
    const owner = await createOwner();
    const body = { hostname: "shop.acme.localhost", project: "shop", verified: true };
    expect((await admin("POST", owner.path, body)).body.code).toBe("hostname_reserved");
  });
});

it("a stored claim under the managed base is not served: the base may have been configured later", async () => {
  const [owner, victim] = [await createOwner(), await createOwner()];
  const columns = "id, account, project, hostname, status, verification_token, created_at";
  const values = [
    "cdm_old",
    owner.name,
    "shop",
    `shop.${victim.name}.localhost`,
    "active",
    "token",
    "2026-01-01T00:00:00Z",
  ];
  await env.DB.prepare(`INSERT INTO custom_domains (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
    .bind(...values)
    .run();
  expect(await activeHostnames(owner.name)).toEqual([{ hostname: `shop.${owner.name}.localhost`, project: "shop" }]);
});
