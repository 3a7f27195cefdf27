import { afterAll, beforeAll, expect, test } from "vitest";
import { type DnsServer, startDnsServer } from "../system/dns-server.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.ts";
import { createWorkplace, type Workplace } from "./sallyport.ts";

let dns: DnsServer;
let control: TestControlPlane;

beforeAll(async () => {
  dns = await startDnsServer();
  control = await startControlPlane([dns.address]);
});

afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await dns[Symbol.asyncDispose]();
});

async function createAccountWorkplace(account: string): Promise<Workplace> {
  const key = await control.createAccount(account, "shop");
  return createWorkplace({ SALLYPORT_API_URL: control.url, SALLYPORT_API_KEY: key, SALLYPORT_PROJECT: "shop" });
}

test.concurrent("a domain is created, verified by its DNS record, listed and deleted", async () => {
  using workplace = await createAccountWorkplace("life");
  const one = ["--hostname", "api.life.test"];
  const created = await workplace.run(["custom-domain", "create", ...one]);
  expect(created.code).toBe(0);
  expect(created.stdout).toMatch(
    /^custom domain "api.life.test" created, pending\nid +cdm_[0-9a-f]{24}\nproject +shop\n/,
  );
  expect(created.stderr).toBe(
    "sallyport: hint: set that DNS record, then: sallyport custom-domain verify --hostname api.life.test\n",
  );
  const [, name = "", value = ""] = /^DNS record +(\S+) TXT (\S+)$/m.exec(created.stdout) ?? [];

  const early = await workplace.run(["custom-domain", "verify", ...one]);
  expect(early).toMatchObject({ code: 1, stdout: "" });
  expect(early.stderr).toMatch(/^sallyport: error: "_sallyport.api.life.test" does not carry the verification/);
  expect(early.stderr).toContain(`sallyport: hint: set the TXT record ${name} to ${value}`);
  expect((await workplace.run(["custom-domain", "list"])).stdout).toMatch(
    new RegExp(`\\napi.life.test  shop     pending  ${name} TXT ${value}\\n$`),
  );

  dns.records.set(name, value);
  const verified = await workplace.run(["custom-domain", "verify", ...one]);
  expect(verified).toEqual({ code: 0, stdout: 'custom domain "api.life.test" is active for "shop"\n', stderr: "" });
  expect((await workplace.run(["custom-domain", "list"])).stdout).toMatch(/\napi.life.test {2}shop {5}active\n$/);

  const deleted = await workplace.run(["custom-domain", "delete", ...one]);
  expect(deleted).toMatchObject({ code: 0, stderr: "" });
  expect(deleted.stdout).toBe('custom domain "api.life.test" deleted: it is no longer served\n');
  expect((await workplace.run(["custom-domain", "list"])).stdout).toBe("no custom domains\n");
});

test.concurrent("-o json prints the JSON of the API", async () => {
  using workplace = await createAccountWorkplace("json");
  const one = ["--hostname", "API.json.test", "-o", "json"];
  const created = await workplace.run(["custom-domain", "create", ...one]);
  const domain = await control.send("GET", "/v1/accounts/json/custom-domains/api.json.test");
  expect(JSON.parse(created.stdout)).toEqual(domain);
  const listed = await workplace.run(["custom-domain", "list", "-o", "json"]);
  expect(JSON.parse(listed.stdout)).toEqual({ data: [domain], offset: 0, limit: 1 });
  const early = await workplace.run(["custom-domain", "verify", ...one]);
  expect(JSON.parse(early.stdout)).toMatchObject({ status: 409, code: "domain_not_verified" });
  const deleted = await workplace.run(["custom-domain", "delete", ...one]);
  expect(JSON.parse(deleted.stdout)).toEqual({ hostname: "API.json.test", deleted: true });
});

test.concurrent("refusals say what is wrong and what to do", async () => {
  using workplace = await createAccountWorkplace("refused");
  await control.createAccount("owner", "shop");
  const taken = { hostname: "taken.test", project: "shop", verified: true };
  await control.send("POST", "/v1/accounts/owner/custom-domains", taken);
  await workplace.run(["custom-domain", "create", "--hostname", "mine.test"]);
  const cases: [parameters: string[], code: string, error: RegExp, hint: RegExp][] = [
    [["https://api.test/"], "hostname_invalid", /"https:\/\/api.test\/" is not a host name/, /without scheme/],
    [["shop.refused.localhost"], "hostname_reserved", /is a managed domain/, /already/],
    [["taken.test"], "hostname_taken", /"taken.test" is active in another account/, /belongs to one account/],
    [["mine.test"], "hostname_claimed", /"mine.test"/, /./],
    [["new.test", "--project", "nothing"], "not_found", /there is no/, /looked in account "refused"/],
  ];
  for (const [parameters, code, error, hint] of cases) {
    const run = await workplace.run(["custom-domain", "create", "-o", "json", "--hostname", ...parameters]);
    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject({ code });
    expect(run.stderr).toMatch(new RegExp(`^sallyport: error: .*${error.source}`));
    expect(run.stderr).toMatch(new RegExp(`^sallyport: hint: .*${hint.source}`, "m"));
  }
});

test.concurrent("a domain needs a project", async () => {
  using workplace = await createAccountWorkplace("projectless");
  const environment = { SALLYPORT_PROJECT: "" };
  const run = await workplace.run(["custom-domain", "create", "--hostname", "api.test"], { environment });
  expect(run).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "sallyport: error: no project is named\n" +
      "sallyport: hint: give --project <name> or SALLYPORT_PROJECT, or remember it here: sallyport link\n",
  });
});
