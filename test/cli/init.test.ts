/** `sallyport init`: what is asked, what is refused, and that what it writes builds. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildProject } from "../../cli/build/build-project.ts";
import packageJson from "../../package.json" with { type: "json" };
import { createWorkplace } from "./sallyport.ts";

const FILES = [
  ".dev.vars.example",
  ".gitignore",
  "README.md",
  "config/policies.json",
  "config/routes.oas.json",
  "modules/hello.ts",
  "package.json",
  "test/gateway.test.ts",
  "test/worker.d.ts",
  "tsconfig.json",
  "vitest.config.ts",
  "wrangler.toml",
];

function listFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => statSync(join(folder, name)).isFile()).sort();
}

const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));

test("a project with routes for both directions, a test, and nothing left to be filled in", async () => {
  using workplace = createWorkplace();
  const { code, stdout, stderr } = await workplace.run(["init", "my-gateway", "--yes"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/ {2}cd my-gateway\n {2}npm install\n {2}npm test .*\n {2}npm run dev /);
  const project = join(workplace.path, "my-gateway");
  expect(listFiles(project)).toEqual(FILES);
  for (const name of FILES) expect(readFileSync(join(project, name), "utf8"), name).not.toMatch(/\{\{/);
  const built = await buildProject({ projectDir: project });
  expect(built).toMatchObject({ ok: true, warnings: [] });
  expect(built.ok && built.routes.map(({ path }) => path)).toEqual(["/v1/hello", "/v1/origin/*"]);
});

test("its package.json has the versions that were tested together", async () => {
  using workplace = createWorkplace();
  await workplace.run(["init", "app", "--yes"]);
  const written = readJson(workplace.path, "app", "package.json");
  expect(written).toMatchObject({ name: "app", private: true, dependencies: { sallyport: packageJson.version } });
  const known: Record<string, string> = { ...packageJson.dependencies, ...packageJson.devDependencies };
  for (const [name, version] of Object.entries(written.devDependencies)) expect(version, name).toBe(known[name]);
  expect(Object.keys(written.devDependencies)).toContain("vitest");
});

test("a packed sallyport is named by its path from the project", async () => {
  using workplace = createWorkplace();
  workplace.write("packed/sallyport.tgz", "");
  await workplace.run(["init", "deep/app", "--yes", "--package", "packed/sallyport.tgz"]);
  expect(readJson(workplace.path, "deep", "app", "package.json").dependencies).toEqual({
    sallyport: "file:../../packed/sallyport.tgz",
  });
});

test("on a terminal it asks for what it needs, and offers something for each", async () => {
  using workplace = createWorkplace();
  const { code, stderr } = await workplace.run(["init"], { answers: ["", "-2", ""] });
  expect(code).toBe(0);
  expect(stderr).toContain("Folder of the project");
  expect(stderr).toContain("Who issues your clients' certificates");
  expect(readJson(workplace.path, "my-gateway", "package.json").name).toBe("my-gateway-2");
});

test("an issuer is a name in every file, whatever characters it has", async () => {
  using workplace = createWorkplace();
  const issuer = 'CN=a\\, \\"b\\",O=Ünit';
  const { code } = await workplace.run(["init", "app", "--issuer", issuer]);
  expect(code).toBe(0);
  const { policies } = readJson(workplace.path, "app", "config", "policies.json");
  expect(policies[0].handler.options).toEqual({ certIssuerDN: issuer });
  const test = readFileSync(join(workplace.path, "app", "test", "gateway.test.ts"), "utf8");
  expect(test).toContain(`const ISSUER = ${JSON.stringify(issuer)};`);
});

test("a folder that has nothing but what every folder may have is empty", async () => {
  using workplace = createWorkplace();
  workplace.write("app/.git/HEAD", "ref: refs/heads/main\n");
  workplace.write("app/LICENSE", "MIT");
  const { code, stdout } = await workplace.run(["init", "app", "-o", "json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ directory: join(workplace.path, "app"), name: "app", files: FILES });
});

test.each([
  ["a folder with something in it", ["init", "full"], "directory_not_empty", 'full" is not empty, found package.json'],
  ["a file", ["init", "full/package.json"], "directory_unusable", "cannot be used"],
  ["no folder, where nobody can be asked", ["init"], "directory_missing", "no folder is named"],
  ["a name that no worker can have", ["init", "new", "--name", "My App"], "name_invalid", '"My App" is not a name'],
  ["an issuer that is none", ["init", "new", "--issuer", "me"], "issuer_invalid", '"me" is not a distinguished name'],
])("%s is refused, and nothing is written", async (_, parameters, code, message) => {
  using workplace = createWorkplace();
  mkdirSync(join(workplace.path, "full"));
  workplace.write("full/package.json", "{}");
  const run = await workplace.run([...parameters, "-o", "json"]);
  expect(run.code).toBe(1);
  expect(JSON.parse(run.stdout)).toMatchObject({ code });
  expect(run.stderr).toContain(message);
  expect(existsSync(join(workplace.path, "new"))).toBe(false);
  expect(listFiles(workplace.path)).toEqual(["full/package.json"]);
});

test.each([
  ["My Gateway (2)", "my-gateway-2"],
  ["42", "my-gateway"],
])("a folder called %s makes a project called %s", async (folder, name) => {
  using workplace = createWorkplace();
  await workplace.run(["init", folder, "--yes"]);
  expect(readJson(workplace.path, folder, "package.json").name).toBe(name);
});
