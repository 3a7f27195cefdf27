import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { admin, callWith, createAccount, createEdgeKey } from "./support.ts";

describe("accounts", () => {
  it("are made by admin keys, once", async () => {
    const first = await admin("POST", "/v1/accounts", { name: "acme" });
    expect(first.status).toBe(201);
    expect(first.body.name).toBe("acme");
    const second = await admin("POST", "/v1/accounts", { name: "acme" });
    expect([second.status, second.body.code]).toEqual([409, "name_taken"]);
    expect((await admin("GET", "/v1/accounts/acme")).body.name).toBe("acme");
  });

  it("are listed to admin keys, and to an account key only its own", async () => {
    const { name, call } = await createAccount();
    await createAccount();
    expect((await call("GET", "/v1/accounts")).body.data).toMatchObject([{ name }]);
    expect((await admin("GET", "/v1/accounts")).body.data?.length).toBeGreaterThan(1);
  });

  it.each([
    "",
    "Upper",
    "under_score",
    "-dash",
    "dash-",
    "1digit",
    "dot.ted",
    "xn--bcher-kva",
    "a".repeat(41),
    "a\nb",
    "ä",
  ])("do not take the name %j, which could not stand in a host name", async (name) => {
    const answer = await admin("POST", "/v1/accounts", { name });
    expect([answer.status, answer.body.code]).toEqual([400, "name_not_label"]);
  });
});

describe("projects", () => {
  it("have a managed domain at once", async () => {
    const { name, path, call } = await createAccount();
    const answer = await call("POST", `${path}/projects`, { name: "billing" });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ name: "billing", managedDomain: `billing.${name}.localhost` });
    expect((await call("GET", `${path}/projects/billing`)).body).toEqual(answer.body);
    expect((await call("POST", `${path}/projects`, { name: "billing" })).body.code).toBe("name_taken");
  });

  it("are deleted with their deployments, once", async () => {
    const { path, call } = await createAccount();
    await call("PUT", `${path}/projects/shop/deployments/production`, { environmentType: "production", buildId: "b1" });
    expect((await call("DELETE", `${path}/projects/shop`)).status).toBe(204);
    expect((await call("DELETE", `${path}/projects/shop`)).status).toBe(404);
    expect((await call("GET", `${path}/projects/shop`)).status).toBe(404);
    expect((await call("GET", `${path}/projects/shop/deployments`)).body.data).toEqual([]);
  });

  it("are not deleted while a custom domain leads to them", async () => {
    const { path, call } = await createAccount();
    await call("POST", `${path}/custom-domains`, { hostname: "in-use.example.com", project: "shop" });
    const answer = await call("DELETE", `${path}/projects/shop`);
    expect([answer.status, answer.body.code]).toEqual([409, "project_in_use"]);
    expect((await call("GET", `${path}/projects/shop`)).status).toBe(200);
  });
});

describe("pages", () => {
  it("are bounded, and go through everything without gap or overlap", async () => {
    const { path, call } = await createAccount();
    for (const name of ["a", "b", "c", "d"]) await call("POST", `${path}/projects`, { name });
    const first = await call("GET", `${path}/projects?limit=2`);
    expect(first.body).toMatchObject({ offset: 0, limit: 2, data: [{ name: "a" }, { name: "b" }] });
    const last = await call("GET", `${path}/projects?limit=2&offset=4`);
    expect(last.body).toMatchObject({ offset: 4, limit: 2, data: [{ name: "shop" }] });
    expect((await call("GET", `${path}/projects?offset=100`)).body.data).toEqual([]);
  });

  it.each([
    "limit=0",
    "limit=1001",
    "limit=x",
    "limit=1.5",
    "limit=",
    "offset=-1",
    "offset=1e400",
    "limit=1&limit=2",
    "page=2",
  ])("are refused with ?%s", async (query) => {
    const { path, call } = await createAccount();
    const answer = await call("GET", `${path}/projects?${query}`);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
    expect(answer.body.errors?.length).toBeGreaterThan(0);
  });
});

describe("API keys", () => {
  it("say what they are", async () => {
    const { name, key } = await createAccount();
    const edge = await createEdgeKey();
    expect((await callWith(key)("GET", "/v1/who-am-i")).body).toMatchObject({
      apiKeyId: key.split("_")[1],
      name: "test",
      scope: "account",
      account: name,
    });
    expect((await edge.call("GET", "/v1/who-am-i")).body).toMatchObject({ scope: "edge", account: null });
    expect((await admin("GET", "/v1/who-am-i")).body).toMatchObject({ apiKeyId: "bootstrap", scope: "admin" });
  });

  it("are shown once and stored as a hash", async () => {
    const { path, key, call } = await createAccount();
    const [, id, secret = ""] = key.split("_");
    const list = await call("GET", `${path}/api-keys`);
    expect(list.body.data).toMatchObject([{ id, name: "test", scope: "account" }]);
    expect(list.text).not.toContain(secret);
    const rows = await env.DB.prepare("SELECT * FROM api_keys").all();
    expect(JSON.stringify(rows.results)).not.toContain(secret);
    expect(JSON.stringify((await call("GET", `${path}/audit-log`)).body)).not.toContain(secret);
  });

  it("stop working the moment they are revoked", async () => {
    const { path, key, call } = await createAccount();
    const second = (await call("POST", `${path}/api-keys`, { name: "second" })).body;
    expect((await callWith(second.key)("DELETE", `${path}/api-keys/${key.split("_")[1]}`)).status).toBe(204);
    expect((await call("GET", "/v1/who-am-i")).status).toBe(401);
    expect((await callWith(second.key)("DELETE", `${path}/api-keys/${key.split("_")[1]}`)).status).toBe(404);
  });

  it("of edges and operators are made, listed and revoked by admin keys", async () => {
    const operator = (await admin("POST", "/v1/api-keys", { name: "ops", scope: "admin" })).body;
    const list = await callWith(operator.key)("GET", "/v1/api-keys");
    expect(list.body.data).toContainEqual(expect.objectContaining({ id: operator.id, scope: "admin", account: null }));
    expect(list.body.data?.every(({ account }) => account === null)).toBe(true);
    expect((await admin("DELETE", `/v1/api-keys/${operator.id}`)).status).toBe(204);
    expect((await callWith(operator.key)("GET", "/v1/api-keys")).status).toBe(401);
  });

  it("of an account are not reached among those of edges, nor made with another scope", async () => {
    const { path, key, call } = await createAccount();
    expect((await admin("DELETE", `/v1/api-keys/${key.split("_")[1]}`)).status).toBe(404);
    expect((await call("POST", `${path}/api-keys`, { name: "x", scope: "admin" })).status).toBe(400);
    expect((await admin("POST", "/v1/api-keys", { name: "x", scope: "account" })).status).toBe(400);
  });
});

describe("deployments", () => {
  it("are registered again and again, and listed by environment", async () => {
    const { path, call } = await createAccount();
    const one = `${path}/projects/shop/deployments/production`;
    const first = await call("PUT", one, {
      environmentType: "production",
      buildId: "b1",
      mtlsCertificateNames: ["aws_alb_cert"],
    });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      environment: "production",
      buildId: "b1",
      mtlsCertificateNames: ["aws_alb_cert"],
    });
    const again = await call("PUT", one, { environmentType: "production", buildId: "b2" });
    expect(again.body).toMatchObject({ buildId: "b2", mtlsCertificateNames: [], createdAt: first.body.createdAt });
    const list = await call("GET", `${path}/projects/shop/deployments`);
    expect(list.body.data).toEqual([again.body]);
  });

  it("are taken off the list when they are gone, by their own account", async () => {
    const { path, call } = await createAccount();
    const stranger = await createAccount();
    const one = `${path}/projects/shop/deployments/preview-7`;
    await call("PUT", one, { environmentType: "preview", buildId: "b1" });
    expect((await stranger.call("DELETE", one)).status).toBe(404);
    expect((await call("DELETE", one)).status).toBe(204);
    expect((await call("DELETE", one)).status).toBe(404);
    expect((await call("GET", `${path}/projects/shop/deployments`)).body.data).toEqual([]);
    const [entry] = (await call("GET", `${path}/audit-log?limit=1`)).body.data ?? [];
    expect(entry).toMatchObject({ action: "deployment.delete", target: "shop/preview-7" });
  });

  it("name only certificates that can be uploaded", async () => {
    const { path, call } = await createAccount();
    const body = { environmentType: "production", buildId: "b1", mtlsCertificateNames: ["aws-alb-cert"] };
    const answer = await call("PUT", `${path}/projects/shop/deployments/production`, body);
    expect([answer.status, answer.body.code]).toEqual([400, "name_not_identifier"]);
    expect(answer.body.hint).toMatch(/: aws_alb_cert$/);
  });

  it("need a project and an environment type that exist", async () => {
    const { path, call } = await createAccount();
    const body = { environmentType: "production", buildId: "b1" };
    expect((await call("PUT", `${path}/projects/none/deployments/production`, body)).status).toBe(404);
    const wrong = await call("PUT", `${path}/projects/shop/deployments/x%0Ay`, { ...body, environmentType: "staging" });
    expect(wrong.status).toBe(400);
  });
});

describe("the audit log", () => {
  it("tells who did what when, newest first, of one account", async () => {
    const { name, path, key, call } = await createAccount();
    await call("POST", `${path}/projects`, { name: "second" });
    await call("DELETE", `${path}/projects/second`);
    const { data } = (await call("GET", `${path}/audit-log`)).body;
    expect(data?.map(({ action }) => action)).toEqual([
      "project.delete",
      "project.create",
      "project.create",
      "api-key.create",
      "account.create",
    ]);
    expect(data?.every(({ account }) => account === name)).toBe(true);
    expect(data?.[0]).toMatchObject({ target: "second", actor: { apiKeyId: key.split("_")[1], scope: "account" } });
    expect(data?.[4]).toMatchObject({ target: name, actor: { apiKeyId: "bootstrap", scope: "admin" } });
    expect(Date.parse(String(data?.[0]?.at))).not.toBeNaN();
  });

  it("has what concerns no account for operators", async () => {
    const edge = await createEdgeKey();
    const { data } = (await admin("GET", "/v1/audit-log?limit=1")).body;
    expect(data).toMatchObject([{ action: "api-key.create", target: edge.id, account: null }]);
  });
});
