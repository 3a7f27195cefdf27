/** From `npm pack` to a project of one's own, by what README.md and docs/testing.md say and nothing else. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import {
  createProject,
  createWorkshop,
  packAndInstall,
  REPOSITORY,
  readExamples,
  run,
  succeed,
  TARBALL,
  writeFiles,
} from "./workshop.ts";

const FREE_PORTS = ["--port", "0", "--control-port", "0", "--origin-port", "0"];

const workshop = createWorkshop();
const app = join(workshop.path, "app");
let packed: string[];

beforeAll(async () => {
  await packAndInstall(workshop.path);
  packed = (await succeed(workshop.path, "tar", "tzf", TARBALL)).trim().split("\n");
  await createProject(workshop.path, "app");
});

afterAll(() => workshop[Symbol.dispose]());

describe("the package", () => {
  it("has JavaScript and declarations, the template and the migrations, and nothing of tests or anybody's keys", () => {
    const names = packed.map((name) => name.replace(/^package\//, ""));
    const others = names.filter((name) => !/^dist\/.*\.(?:js|d\.ts)$/.test(name));
    expect(
      others.filter((name) => !/^dist\/(?:cli\/init\/template|src\/control\/migrations)\//.test(name)).sort(),
    ).toEqual(["LICENSE", "README.md", "bin/sallyport.js", "package.json"]);
    expect(names.filter((name) => /^dist\/(?:test|bench)\/|\.(?:pem|key|map)$/.test(name))).toEqual([]);
    expect(names.filter((name) => name.endsWith(".sql"))).toHaveLength(3);
  });

  it("runs on the Node that it brings, whatever the machine has", async () => {
    expect(await succeed(workshop.path, "npx", "sallyport", "--version")).toBe(`${packageJson.version}\n`);
    const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(await succeed(workshop.path, "npx", "node", "--version")) ?? [];
    expect(Number(major) * 100 + Number(minor)).toBeGreaterThanOrEqual(2421);
  });
});

describe("a new project", () => {
  it("has its sallyport from where this one came", () => {
    const { dependencies } = JSON.parse(readFileSync(join(app, "package.json"), "utf8"));
    expect(dependencies).toEqual({ sallyport: `file:../${TARBALL}` });
  });

  it("has types that fit", async () => {
    await succeed(app, "npm", "run", "check");
    const wrong = 'import { clientCertificate } from "sallyport/testing";\nawait clientCertificate({ subject: 7 });\n';
    writeFiles(app, { "test/wrong.ts": wrong });
    const { code, output } = await run(app, "npm", "run", "check");
    rmSync(join(app, "test/wrong.ts"));
    expect(code).not.toBe(0);
    expect(output).toContain("test/wrong.ts(2,27): error TS2322");
  });

  it("has tests that pass, and fail when a policy lets in somebody else", async () => {
    expect(await succeed(app, "npm", "test")).toMatch(/Tests\s+4 passed \(4\)/);
    const policies = join(app, "config/policies.json");
    const text = readFileSync(policies, "utf8");
    writeFileSync(policies, text.replace("CN=example-ca", "CN=someone-else"));
    const { code, output } = await run(app, "npm", "test");
    writeFileSync(policies, text);
    expect(code).toBe(1);
    expect(output).toMatch(/Tests\s+2 failed \| 2 passed \(4\)/);
  });

  it("runs behind the edge, with the demo's certificates", async () => {
    const output = await succeed(app, "npx", "sallyport", "dev", "--once", ...FREE_PORTS);
    expect(output).toContain("✓ 200 Hello, CN=demo-client,O=Example,C=US");
    expect(output.match(/^✓ 401 /gm)).toHaveLength(3);
  });

  it("is what wrangler would deploy", async () => {
    expect(await succeed(app, "npm", "run", "deploy", "--", "--dry-run")).toContain("--dry-run: exiting now");
  });

  it("has everything that docs/testing.md tells: clients, origins, the whole stack", async () => {
    const examples = readExamples("docs/testing.md");
    expect(Object.keys(examples)).toEqual([
      "vitest.config.ts",
      "test/clients.test.ts",
      "test/origins.test.ts",
      "end-to-end/gateway.test.ts",
      "end-to-end/vitest.config.ts",
    ]);
    writeFiles(app, examples);
    expect(await succeed(app, "npm", "test")).toMatch(/Tests\s+8 passed \(8\)/);
    const endToEnd = await succeed(app, "npx", "vitest", "run", "--config", "end-to-end/vitest.config.ts");
    expect(endToEnd).toMatch(/Tests\s+2 passed \(2\)/);
  });
});

it("a project that has nothing but Zuplo's folders runs as it is", async () => {
  const project = join(workshop.path, "theirs");
  for (const folder of ["config", "modules"])
    cpSync(join(REPOSITORY, folder), join(project, folder), { recursive: true });
  rmSync(join(project, "modules/tsconfig.json"));
  const parameters = ["dev", "--project-dir", project, "--once", ...FREE_PORTS];
  expect((await succeed(workshop.path, "npx", "sallyport", ...parameters)).match(/^✓ /gm)).toHaveLength(6);
});
