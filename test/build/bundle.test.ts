/** The bundle of the example project as `wrangler deploy` would upload it: what is in it, and what is not. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const REPOSITORY = join(import.meta.dirname, "../..");
/** Bundling takes seconds on a busy machine, and starts a second Node */
const BUNDLE_TIMEOUT_MS = 120_000;
const BUILTIN_IMPORT = /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*["']node:/;

let directory: string;
let code: string;
let sources: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sallyport-bundle-"));
  const wrangler = join(REPOSITORY, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" };
  const args = [wrangler, "deploy", "--dry-run", "--outdir", directory];
  await promisify(execFile)(process.execPath, args, { cwd: REPOSITORY, env });
  code = await readFile(join(directory, "worker.js"), "utf8");
  const map: { sources: string[] } = JSON.parse(await readFile(join(directory, "worker.js.map"), "utf8"));
  sources = map.sources;
}, BUNDLE_TIMEOUT_MS);

afterAll(() => rm(directory, { recursive: true, force: true }));

test("the bundle holds the worker, the modules of the project and the runtime that they import", () => {
  for (const part of ["src/worker.ts", "modules/hello.ts", ".build/worker.ts"]) {
    expect(sources.filter((source) => source.endsWith(part))).toHaveLength(1);
  }
});

test("the bundle imports nothing of Node", () => {
  expect(code).not.toMatch(BUILTIN_IMPORT);
});

test("the only import that is left is the runtime's own", () => {
  const imports = [...code.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
  expect([...new Set(imports)]).toEqual(["cloudflare:workers"]);
});

test.each(["edge-shim/", "cli/", "fixtures/", "src/control/", "test/"])("the bundle holds nothing of %s", (folder) => {
  const own = sources.filter((source) => !source.includes("node_modules/"));
  expect(own.filter((source) => source.replace(/^(?:\.\.\/)+/, "").includes(folder))).toEqual([]);
});

test("no unresolved name of the runtime is left for somebody else to answer", () => {
  expect(code).not.toMatch(/["']@(?:zuplo|sallyport)\/runtime["']\s*;/);
});
