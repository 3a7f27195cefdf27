import { mkdir, readdir, readFile, realpath, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { buildProject } from "../../cli/build/build-project.ts";
import { formatProblem } from "../../cli/build/problem.ts";
import { createProject, handler, mtlsPolicy, problemsOf, route, routes, writeFiles } from "./project-directory.ts";

async function build(projectDir: string, outFile?: string) {
  const result = await buildProject({ projectDir, outFile });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result;
}

async function importsOf(entry: string): Promise<string[]> {
  const text = await readFile(entry, "utf8");
  return [...text.matchAll(/^import .* from "(.*)";$/gm)].map(([, path = ""]) => path);
}

test("the entry lies in .build/ and imports the worker and each used module once", async () => {
  const projectDir = await createProject({ "modules/unused.ts": "export default 1;" });
  const { outFile } = await build(projectDir);
  expect(outFile).toBe(join(projectDir, ".build/worker.ts"));
  const [worker = "", ...modules] = await importsOf(outFile);
  expect(resolve(dirname(outFile), worker)).toBe(resolve(import.meta.dirname, "../../src/worker.ts"));
  expect(modules).toEqual(["../modules/hello.ts"]);
});

test("imports lead to their files when the entry is written through a symbolic link", async () => {
  const projectDir = await createProject();
  await mkdir(join(projectDir, "deep/er/still"), { recursive: true });
  await symlink("deep/er/still", join(projectDir, "link"));
  const { outFile } = await build(projectDir, join(projectDir, "link/entry.ts"));
  for (const path of await importsOf(outFile)) await stat(resolve(await realpath(dirname(outFile)), path));
});

test("routes keep the order of the documents, and files are read in alphabetical order", async () => {
  const operation = { "x-zuplo-route": { handler } };
  const projectDir = await createProject({
    "config/routes.oas.json": routes({ "/z": { post: operation, get: operation }, "/a": { get: operation } }),
    "config/b.oas.json": routes({ "/b": { get: operation } }),
  });
  const { routes: built } = await build(projectDir);
  expect(built.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /b", "GET /z", "POST /z", "GET /a"]);
});

test("a route is complete in the definition, with defaults and with the operation as it stands in the file", async () => {
  const projectDir = await createProject({
    "config/routes.oas.json": route({}, { operationId: "hello", tags: ["a"] }),
  });
  expect((await build(projectDir)).routes).toEqual([
    {
      path: "/v1",
      pathMode: "open-api",
      method: "GET",
      operationId: "hello",
      corsPolicy: "none",
      handler: { module: "./modules/hello", export: "default" },
      policies: { inbound: [], outbound: [] },
      raw: { operationId: "hello", tags: ["a"], "x-zuplo-route": { handler } },
    },
  ]);
});

test("building again leaves the entry untouched", async () => {
  const projectDir = await createProject();
  const { outFile } = await build(projectDir);
  const before = await stat(outFile, { bigint: true });
  await build(projectDir);
  const after = await stat(outFile, { bigint: true });
  expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
});

test("many builds at once leave one whole entry and nothing else", async () => {
  const projectDir = await createProject();
  const results = await Promise.all(Array.from({ length: 20 }, () => build(projectDir)));
  const [first] = results;
  expect(await readdir(join(projectDir, ".build"))).toEqual(["worker.ts"]);
  expect(await readFile(first?.outFile ?? "", "utf8")).toContain(`"buildId": "${first?.buildId}"`);
});

test("a project with problems leaves the last good entry as it is", async () => {
  const projectDir = await createProject();
  const { outFile } = await build(projectDir);
  const before = await readFile(outFile, "utf8");
  await writeFile(join(projectDir, "config/policies.json"), "{");
  expect((await buildProject({ projectDir })).ok).toBe(false);
  expect(await readFile(outFile, "utf8")).toBe(before);
});

test("the build id is the same for the same project in another directory", async () => {
  const ids = [await build(await createProject()), await build(await createProject())].map(({ buildId }) => buildId);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[0]).toMatch(/^[0-9a-f]{12}$/);
});

test("the build id changes with a module, with what a module imports, and with the configuration", async () => {
  const projectDir = await createProject({ "modules/lib/name.ts": "export const name = 1;" });
  const seen = new Set([(await build(projectDir)).buildId]);
  for (const change of [
    { "modules/hello.ts": 'export { name as default } from "./lib/name";\nexport const outbound = 1;' },
    { "modules/lib/name.ts": "export const name = 2;" },
    { "config/policies.json": { policies: [mtlsPolicy] } },
  ]) {
    await writeFiles(projectDir, change);
    seen.add((await build(projectDir)).buildId);
  }
  expect(seen.size).toBe(4);
});

test("a module may get its exports from another, and from a package that only the worker knows", async () => {
  const projectDir = await createProject({
    "config/policies.json": undefined,
    "config/routes.oas.json": route({ handler: { ...handler, export: "anything" } }),
    "modules/hello.ts": 'export * from "some-package";',
  });
  await build(projectDir);
  await writeFiles(projectDir, {
    "modules/hello.ts": 'export * from "./lib";',
    "modules/lib.ts": "export const a = 1;",
  });
  expect(problemsOf(await buildProject({ projectDir }))).toEqual([
    expect.stringContaining('"anything" is not an export of ./modules/hello, found a'),
  ]);
});

test("the snippet of the documents builds as it stands, with imports of types that are not marked", async () => {
  const snippet =
    'import { ZuploContext, ZuploRequest } from "@zuplo/runtime"; export default async function (request: ZuploRequest, context: ZuploContext) { return request.user; } export const outbound = 1;';
  await build(await createProject({ "modules/hello.ts": snippet }));
});

test("modules/zuplo.runtime.ts is part of the worker without being named", async () => {
  const projectDir = await createProject({ "modules/zuplo.runtime.ts": "export function runtimeInit() {}" });
  expect(await importsOf((await build(projectDir)).outFile)).toContain("../modules/zuplo.runtime.ts");
});

test("modules/zuplo.runtime.ts without runtimeInit is a problem", async () => {
  const projectDir = await createProject({ "modules/zuplo.runtime.ts": "export function init() {}" });
  expect(problemsOf(await buildProject({ projectDir }))).toEqual([
    'modules/zuplo.runtime.ts: export: "runtimeInit" is not an export of ./modules/zuplo.runtime, found init',
  ]);
});

test("a symbolic link that leads out of modules/ is a problem", async () => {
  const projectDir = await createProject({
    "config/routes.oas.json": route({ handler: { ...handler, module: "$import(./modules/link)" } }),
    "secret.ts": "export default 1;",
  });
  await symlink("../secret.ts", join(projectDir, "modules/link.ts"));
  expect(problemsOf(await buildProject({ projectDir }))).toEqual([
    expect.stringContaining('"$import(./modules/link)" leads out of modules/ through a symbolic link'),
  ]);
});

test("a module that is far too large is a problem, and is not read", async () => {
  const projectDir = await createProject({ "modules/hello.ts": `//${" ".repeat(1024 * 1024)}` });
  const problems = problemsOf(await buildProject({ projectDir }));
  expect(problems[0]).toContain('"$import(./modules/hello)" has 1048578 bytes, allowed: 1048576');
});

test("routes that differ in the name of a parameter only are pointed out", async () => {
  const operation = { get: { "x-zuplo-route": { handler } } };
  const projectDir = await createProject({
    "config/routes.oas.json": routes({
      "/users/{id}": operation,
      "/users/{name}": operation,
      "/users/": operation,
      "/users": operation,
    }),
  });
  expect((await build(projectDir)).warnings.map(formatProblem)).toEqual([
    'config/routes.oas.json: paths["/users/{name}"].get: "/users/{name}" differs from "/users/{id}" at config/routes.oas.json: paths["/users/{id}"].get in the names of parameters or in percent-encoding only',
  ]);
});

test("a project without routes builds with a warning", async () => {
  const projectDir = await createProject({ "config/routes.oas.json": routes({}) });
  expect((await build(projectDir)).warnings).toHaveLength(1);
});

test("a directory that is no project is a problem, not an exception", async () => {
  expect((await buildProject({ projectDir: join(await createProject(), "nowhere") })).ok).toBe(false);
});
