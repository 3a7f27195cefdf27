import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logIn, modeOf, readJson, whoAmI } from "./connection.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.ts";
import { createWorkplace } from "./sallyport.ts";

let control: TestControlPlane;
const keys = { acme: "", globex: "" };

beforeAll(async () => {
  control = await startControlPlane();
  keys.acme = await control.createAccount("acme", "shop", "blog");
  keys.globex = await control.createAccount("globex", "plant");
});

afterAll(() => control[Symbol.asyncDispose]());

test.concurrent("remembers account and project for the directory", async () => {
  using workplace = createWorkplace();
  await logIn(workplace, control, keys.acme);
  const run = await workplace.run(["link", "--account", "acme", "--project", "shop"]);
  expect(run).toEqual({
    code: 0,
    stdout: 'this directory is linked to account "acme", project "shop" (.sallyport/link.json)\n',
    stderr: "",
  });
  const path = join(workplace.path, ".sallyport", "link.json");
  expect(readJson(path)).toEqual({ account: "acme", project: "shop", apiUrl: control.url });
  expect([modeOf(path), modeOf(join(path, ".."))]).toEqual(["600", "700"]);
  expect((await workplace.run(["custom-domain", "create", "--hostname", "linked.test"])).code).toBe(0);
});

test.concurrent("takes the only project, and asks or lists where there are several", async () => {
  using workplace = createWorkplace();
  await logIn(workplace, control, keys.globex);
  const only = await workplace.run(["link", "-o", "json"]);
  expect(JSON.parse(only.stdout)).toMatchObject({ account: "globex", project: "plant" });
  await logIn(workplace, control, keys.acme);
  expect((await workplace.run(["link"])).stderr).toBe(
    "sallyport: error: no project is named, there are blog, shop\nsallyport: hint: give --project <name>\n",
  );
  const asked = await workplace.run(["link", "-o", "json"], { answers: [""] });
  expect(JSON.parse(asked.stdout)).toMatchObject({ account: "acme", project: "blog" });
});

test.concurrent("refuses what does not exist, and looks nowhere when there is nobody to ask", async () => {
  using workplace = createWorkplace();
  const unchecked = await workplace.run(["link", "--account", "acme", "--project", "nothing"]);
  expect(unchecked.code).toBe(0);
  expect(unchecked.stderr).toMatch(/^sallyport: warning: no control plane is known here, so nobody looked/);
  await logIn(workplace, control, keys.acme);
  const project = await workplace.run(["link", "--project", "nothing"]);
  expect(project).toMatchObject({ code: 1, stdout: "" });
  expect(project.stderr).toMatch(/^sallyport: error: there is no such project here/);
  expect((await workplace.run(["link", "--account", "globex", "--project", "plant"])).code).toBe(1);
  expect(readJson(join(workplace.path, ".sallyport", "link.json"))).toEqual({ account: "acme", project: "nothing" });
});

test.concurrent("chooses among the control planes that there is a key for, and names no other", async () => {
  using workplace = createWorkplace();
  const other = "https://attacker.example";
  workplace.write(".sallyport/link.json", JSON.stringify({ account: "acme", apiUrl: other }));
  await logIn(workplace, control, keys.acme);
  const run = await workplace.run(["whoami"]);
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/"https:\/\/attacker.example" is the control plane that .sallyport\/link.json names/);
  const withKey = await workplace.run(["whoami"], { environment: { SALLYPORT_API_KEY: keys.acme } });
  expect(withKey.stderr).toContain("there is no login for it");
  expect((await workplace.run(["link", "--project", "shop"])).code).toBe(0);
  expect((await whoAmI(workplace)).project).toBe("shop, from .sallyport/link.json");
});

test.concurrent("a damaged link is told, and repaired by another one", async () => {
  using workplace = createWorkplace();
  workplace.write(".sallyport/link.json", '{ "account": 7 }');
  await logIn(workplace, control, keys.acme);
  expect((await workplace.run(["whoami"])).stderr).toBe(
    'sallyport: error: ".sallyport/link.json" is damaged\nsallyport: hint: link the directory again: sallyport link\n',
  );
  expect((await workplace.run(["link", "--project", "shop"])).code).toBe(0);
});
