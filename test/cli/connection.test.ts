/** Which control plane, key, account and project a command takes, and login, logout and whoami. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logIn, modeOf, readJson, whoAmI } from "./connection.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.ts";
import { createWorkplace, type Workplace } from "./sallyport.ts";

let control: TestControlPlane;
const keys = { acme: "", globex: "", edge: "" };

beforeAll(async () => {
  control = await startControlPlane();
  keys.acme = await control.createAccount("acme", "shop", "blog");
  keys.globex = await control.createAccount("globex", "plant");
  const edge = { name: "an edge", scope: "edge" };
  keys.edge = (await control.send<{ key: string }>("POST", "/v1/api-keys", edge)).key;
});

afterAll(() => control[Symbol.asyncDispose]());

/** As `sallyport dev` leaves it. */
function pretendLocalStack(workplace: Workplace, changes: object = {}, stateDir = ".sallyport"): void {
  const apiKey = workplace.write(`${stateDir}/api-key`, `${keys.globex}\n`);
  const target = { account: "globex", project: "plant" };
  const note = { control: control.url, ...target, pid: process.pid, files: { apiKey }, ...changes };
  workplace.write(`${stateDir}/ready.json`, JSON.stringify(note));
}

describe("login", () => {
  test.concurrent("keeps a key that works, for its owner alone, and logout removes it", async () => {
    using workplace = createWorkplace();
    const run = await logIn(workplace, control, keys.acme);
    expect(run).toMatchObject({ code: 0, stdout: `logged in to ${control.url} as "laptop", account "acme"\n` });
    expect(run.stdout + run.stderr).not.toContain(keys.acme);
    expect(readJson(workplace.credentialsPath)).toEqual({ apiUrl: control.url, apiKey: keys.acme, account: "acme" });
    expect(modeOf(workplace.credentialsPath)).toBe("600");
    expect(modeOf(join(workplace.credentialsPath, ".."))).toBe("700");
    expect((await workplace.run(["ca-certificate", "list"])).code).toBe(0);

    const out = await workplace.run(["logout"]);
    expect(out).toMatchObject({ code: 0, stdout: `logged out of ${control.url}\n` });
    expect((await workplace.run(["whoami"])).code).toBe(1);
    expect(await workplace.run(["logout"])).toEqual({ code: 0, stdout: "nobody was logged in\n", stderr: "" });
  });

  test.concurrent("asks on a terminal, without showing the key", async () => {
    using workplace = createWorkplace({ SALLYPORT_API_URL: control.url });
    const run = await workplace.run(["login"], { answers: [keys.acme] });
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain(`API key for ${control.url}`);
    expect(run.stdout + run.stderr).not.toContain(keys.acme);
    expect(readJson(workplace.credentialsPath)).toMatchObject({ apiKey: keys.acme });
  });

  test.concurrent("does not ask where nobody could answer", async () => {
    using workplace = createWorkplace();
    expect((await workplace.run(["login"])).stderr).toBe(
      "sallyport: error: no control plane is named\nsallyport: hint: give --api-url <url> or SALLYPORT_API_URL\n",
    );
    const keyless = await workplace.run(["login", "--api-url", control.url]);
    expect(keyless.code).toBe(1);
    expect(keyless.stderr).toMatch(/^sallyport: error: no API key is given\nsallyport: hint: .*SALLYPORT_API_KEY/);
  });

  test.concurrent("keeps nothing of a key that does not work, and never repeats one", async () => {
    using workplace = createWorkplace();
    const unknown = `spk_0123456789abcdef_${"0".repeat(64)}`;
    const rejected = await logIn(workplace, control, unknown);
    expect(rejected.code).toBe(1);
    expect(rejected.stderr).toMatch(/^sallyport: error: the API key is unknown, revoked, or not a key$/m);
    const malformed = await logIn(workplace, control, "hunter2\nx");
    expect(malformed.stderr).toMatch(/^sallyport: error: the API key does not have the form spk_<id>_<secret>$/m);
    const edge = await logIn(workplace, control, keys.edge);
    expect(edge.stderr).toMatch(/^sallyport: error: "an edge" is the key of an edge/);
    const other = await logIn(workplace, control, keys.acme, "--account", "globex");
    expect(other.stderr).toMatch(/^sallyport: error: "globex" is not the account of this key, which is "acme"$/m);
    for (const run of [rejected, malformed, edge, other]) {
      expect(run.code).toBe(1);
      expect(run.stdout + run.stderr).not.toMatch(/spk_0|hunter2|[0-9a-f]{64}/);
    }
    expect((await workplace.run(["whoami"])).code).toBe(1);
  });

  test.concurrent("an admin key works on the account that is named, once it exists", async () => {
    using workplace = createWorkplace();
    expect((await logIn(workplace, control, control.adminKey, "--account", "nobody")).code).toBe(1);
    expect((await logIn(workplace, control, control.adminKey)).code).toBe(0);
    expect((await workplace.run(["ca-certificate", "list"])).stderr).toBe(
      "sallyport: error: no account is named\n" +
        "sallyport: hint: give --account <name> or SALLYPORT_ACCOUNT, or remember it here: sallyport link\n",
    );
    expect((await logIn(workplace, control, control.adminKey, "--account", "acme")).code).toBe(0);
    expect((await workplace.run(["ca-certificate", "list"])).code).toBe(0);
  });

  test.concurrent("a login that others can read is warned about", async () => {
    using workplace = createWorkplace();
    await logIn(workplace, control, keys.acme);
    chmodSync(workplace.credentialsPath, 0o644);
    const run = await workplace.run(["whoami"]);
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(
      /^sallyport: warning: ".*credentials.json" can be read by other users\nsallyport: hint: chmod/,
    );
  });

  test.concurrent("a damaged login is told, and repaired by another one", async () => {
    using workplace = createWorkplace();
    await logIn(workplace, control, keys.acme);
    writeFileSync(workplace.credentialsPath, "{");
    expect((await workplace.run(["whoami"])).stderr).toBe(
      `sallyport: error: "${workplace.credentialsPath}" is damaged\nsallyport: hint: log in again: sallyport login\n`,
    );
    expect((await logIn(workplace, control, keys.acme)).code).toBe(0);
    expect((await workplace.run(["whoami"])).code).toBe(0);
  });
});

describe("where a command works", () => {
  test.concurrent("without anything it says what to do", async () => {
    using workplace = createWorkplace();
    const run = await workplace.run(["ca-certificate", "list"]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/^sallyport: error: no control plane is known here/);
    expect(run.stderr).toMatch(/^sallyport: hint: start one: npm start, or sallyport dev/m);
    expect(run.stderr).toMatch(/^sallyport: hint: or log in to one: sallyport login/m);
  });

  test.concurrent("the local stack of this directory needs no login", async () => {
    using workplace = createWorkplace();
    pretendLocalStack(workplace);
    expect(await whoAmI(workplace)).toEqual({
      "control plane": control.url,
      "API key": expect.stringMatching(/^"laptop" \([0-9a-f]+\), scope account, from the local stack$/),
      account: "globex, from the local stack",
      project: "plant, from the local stack",
    });
  });

  test.concurrent("--state-dir names the stack of another directory", async () => {
    using workplace = createWorkplace();
    pretendLocalStack(workplace, {}, "elsewhere");
    expect((await workplace.run(["whoami"])).code).toBe(1);
    expect((await whoAmI(workplace, "--state-dir", "elsewhere")).account).toBe("globex, from the local stack");
  });

  test.concurrent("a stack that has ended is not asked", async () => {
    using workplace = createWorkplace();
    pretendLocalStack(workplace, { pid: 2 ** 22 + 1 });
    expect((await workplace.run(["whoami"])).stderr).toContain("no control plane is known here");
  });

  test.concurrent("a note from elsewhere cannot send a key or a file away from this machine", async () => {
    using workplace = createWorkplace();
    await logIn(workplace, control, keys.acme);
    pretendLocalStack(workplace, { control: "http://attacker.example" });
    expect((await whoAmI(workplace))["control plane"]).toBe(control.url);
    pretendLocalStack(workplace, { files: { apiKey: workplace.credentialsPath } });
    expect((await whoAmI(workplace))["API key"]).toMatch(/from the login$/);
  });

  test.concurrent("the local stack counts more than the login, variables more than both, flags most", async () => {
    using workplace = createWorkplace();
    await logIn(workplace, control, keys.acme);
    expect(await whoAmI(workplace)).toMatchObject({ account: "acme, from the login", project: "none" });
    pretendLocalStack(workplace);
    expect(await whoAmI(workplace)).toMatchObject({ account: "globex, from the local stack" });

    await workplace.run(["link", "--account", "globex", "--project", "plant"]);
    const linked = { account: "globex, from .sallyport/link.json", project: "plant, from .sallyport/link.json" };
    expect(await whoAmI(workplace)).toMatchObject(linked);

    const environment = { SALLYPORT_API_URL: control.url, SALLYPORT_API_KEY: keys.acme, SALLYPORT_ACCOUNT: "acme" };
    const byVariables = await workplace.run(["whoami", "-o", "json"], { environment });
    expect(JSON.parse(byVariables.stdout)).toMatchObject({ account: "acme", scope: "account" });
    expect((await workplace.run(["ca-certificate", "list"], { environment })).code).toBe(0);
    const flags = ["--api-key", keys.globex, "--account", "globex"];
    expect((await workplace.run(["ca-certificate", "list", ...flags], { environment })).code).toBe(0);
    expect((await workplace.run(["ca-certificate", "list", "--account", "globex"], { environment })).code).toBe(1);
  });

  test.concurrent("a key that is given works on its own account, an admin key on the one of the stack", async () => {
    using workplace = createWorkplace();
    pretendLocalStack(workplace);
    const domain = { hostname: "own.test", project: "shop" };
    await control.send("POST", "/v1/accounts/acme/custom-domains", domain);
    const list = async (key: string) => (await workplace.run(["custom-domain", "list", "--api-key", key])).stdout;
    expect(await list(keys.acme)).toContain("own.test");
    expect(await list(control.adminKey)).toBe("no custom domains\n");
  });

  test.concurrent("a key that is known for one control plane is not sent to another", async () => {
    using workplace = createWorkplace();
    await logIn(workplace, control, keys.acme);
    pretendLocalStack(workplace);
    const run = await workplace.run(["whoami", "--api-url", "https://control.example"]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /^sallyport: error: "https:\/\/control.example" wants an API key, and none is known for it$/m,
    );
    expect(run.stderr).toContain("sallyport: hint: log in: sallyport login --api-url https://control.example");
  });

  test.concurrent("a revoked key is told with where it came from", async () => {
    using workplace = createWorkplace();
    const path = "/v1/accounts/acme/api-keys";
    const { id, key } = await control.send<{ id: string; key: string }>("POST", path, { name: "short-lived" });
    await logIn(workplace, control, key);
    await control.send("DELETE", `${path}/${id}`);
    const run = await workplace.run(["ca-certificate", "list"]);
    expect(run).toMatchObject({
      code: 1,
      stderr:
        "sallyport: error: the API key is unknown, revoked, or not a key\nsallyport: hint: log in again: sallyport login\n",
    });
  });
});
