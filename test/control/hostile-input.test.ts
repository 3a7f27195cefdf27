import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import worker from "../../src/control/worker.ts";
import { admin, callWith, createAccount, ORIGIN, pemOf } from "./support.ts";

const MIB = 1024 * 1024;

describe("a body", () => {
  it.each([MIB, 300 * 1024])("of %d bytes is refused", async (size) => {
    const { path, call } = await createAccount();
    const answer = await call("POST", `${path}/ca-certificates`, { name: "ca", certificate: "x".repeat(size) });
    expect([answer.status, answer.body.code]).toEqual([413, "request_too_large"]);
  });

  it("of unknown length is refused when it turns out too large", async () => {
    const { path, key } = await createAccount();
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
      },
    });
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const request = new Request(`${ORIGIN}${path}/projects`, { method: "POST", headers, body });
    const context = { waitUntil() {}, passThroughOnException() {}, props: {} } as unknown as ExecutionContext;
    expect((await worker.fetch(request, env, context)).status).toBe(413);
  });

  it("is not read before the key is known", async () => {
    const answer = await callWith(undefined)("POST", "/v1/accounts", "x".repeat(MIB));
    expect(answer.status).toBe(401);
  });

  it("nested beyond reason is refused", async () => {
    const answer = await admin("POST", "/v1/accounts", "[".repeat(200_000));
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_json"]);
  });

  it.each(["", "{", "nope", '{"name":"x"', "\u0000"])("%j is refused: not JSON", async (body) => {
    const answer = await admin("POST", "/v1/accounts", body);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_json"]);
  });

  it.each([
    "null",
    "[]",
    '"x"',
    "1",
    '{"name":null}',
    '{"name":{"$ne":1}}',
    '{"__proto__":{"name":"x"}}',
    '{"name":["x"]}',
  ])("%s is refused: not what is asked for", async (body) => {
    const answer = await admin("POST", "/v1/accounts", body);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
  });

  it.each(["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])(
    "declared as %s is refused",
    async (type) => {
      const answer = await admin("POST", "/v1/accounts", '{"name":"form"}', { "content-type": type });
      expect([answer.status, answer.body.code]).toEqual([415, "unsupported_media_type"]);
    },
  );
});

describe("SQL and header injection", () => {
  const hostile = [
    "x'; DROP TABLE accounts; --",
    'x" OR "1"="1',
    "x\r\nSet-Cookie: a=b",
    "x\u0000y",
    "{{7*7}}",
    "<script>",
  ];

  it.each(hostile)("in a name fails: %j", async (name) => {
    const { path, call } = await createAccount();
    const bodies: [string, string, object][] = [
      ["POST", `${path}/projects`, { name }],
      ["POST", `${path}/api-keys`, { name }],
      ["POST", `${path}/ca-certificates`, { name, certificate: pemOf("root") }],
      ["POST", `${path}/custom-domains`, { hostname: name, project: "shop" }],
      ["POST", `${path}/custom-domains`, { hostname: "a.example.com", project: name }],
      ["PUT", `${path}/projects/shop/deployments/dev`, { environmentType: "development", buildId: name }],
    ];
    for (const [method, url, body] of bodies) {
      const answer = await call(method, url, body);
      expect([url, answer.status]).toEqual([url, 400]);
      expect(answer.headers.get("set-cookie")).toBeNull();
    }
    expect((await call("GET", `${path}/projects`)).body.data).toMatchObject([{ name: "shop" }]);
  });

  it.each(hostile)("in a path fails: %j", async (text) => {
    const { path, call } = await createAccount();
    const part = encodeURIComponent(text);
    for (const url of [`/v1/accounts/${part}`, `${path}/ca-certificates/${part}`, `${path}/custom-domains/${part}`]) {
      expect((await call("GET", url)).status).toBe(404);
      expect((await call("DELETE", url)).status).toBe(404);
    }
  });

  it("in the name of a certificate is kept as the text it is", async () => {
    const { path, call } = await createAccount();
    const { status, body } = await call("POST", `${path}/ca-certificates`, {
      name: "ca",
      certificate: pemOf("hostile"),
    });
    expect(status).toBe(201);
    expect((await call("GET", `${path}/ca-certificates/${body.id}`)).body.subject).toBe(body.subject);
    expect(body.subject).toContain("DROP TABLE");
  });
});

describe("what goes wrong inside", () => {
  const context = { waitUntil() {}, passThroughOnException() {}, props: {} } as unknown as ExecutionContext;
  const whoAmI = () =>
    new Request(`${ORIGIN}/v1/who-am-i`, {
      headers: { authorization: `Bearer spk_0123456789abcdef_${"0".repeat(64)}` },
    });

  it("is answered 500 and told to the log alone", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const DB = {
      prepare: () => {
        throw new Error("secret of the database");
      },
    } as unknown as D1Database;
    const response = await worker.fetch(whoAmI(), { ...env, DB }, context);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret of the database");
    expect(log.mock.calls.flat().join()).toContain("secret of the database");
    log.mockRestore();
  });

  it("is logged without the values of the query that failed", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const DB = new Proxy(env.DB, {
      get: (target, name) => (name === "prepare" ? () => target.prepare("SELECT ?, nothing") : target.batch),
    });
    const response = await worker.fetch(whoAmI(), { ...env, DB }, context);
    expect(response.status).toBe(500);
    expect(log.mock.calls.flat().join()).toContain("D1_ERROR");
    expect(log.mock.calls.flat().join()).not.toContain("0123456789abcdef");
    log.mockRestore();
  });

  it.each([
    ["SALLYPORT_MANAGED_DOMAIN_BASE", "Not A Host"],
    ["SALLYPORT_DNS_RESOLVER_URL", "file:///etc/passwd"],
    ["SALLYPORT_BOOTSTRAP_ADMIN_KEY_SHA256", ""],
  ])("a broken %s answers every request with 500", async (name, value) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await worker.fetch(whoAmI(), { ...env, [name]: value }, context)).status).toBe(500);
    expect(log.mock.calls.flat().join()).toContain(name);
    log.mockRestore();
  });

  it("without a bootstrap hash nobody is the bootstrap admin", async () => {
    const { SALLYPORT_BOOTSTRAP_ADMIN_KEY_SHA256: _, ...rest } = env;
    const headers = { authorization: `Bearer ${env.TEST_BOOTSTRAP_KEY}` };
    const response = await worker.fetch(new Request(`${ORIGIN}/v1/who-am-i`, { headers }), rest, context);
    expect(response.status).toBe(401);
  });
});
