/** `bin/sallyport.js`, the one file that an old Node runs, too: it hands over to the Node of the package. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { VERSION } from "../../cli/version.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/sallyport.js", import.meta.url));
const NODE_MANIFEST = new URL("../../node_modules/node/package.json", import.meta.url);
const pretendVersion = (version: string) =>
  `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "${version}" })`;

function start(launcher: string, nodeVersion: string, parameters: string[]) {
  const child = spawn(process.execPath, ["--import", pretendVersion(nodeVersion), launcher, ...parameters]);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  return { child, output, ended: once(child, "close").then(([code]) => ({ code, ...output })) };
}

/** The launcher in a package of its own, with a `node` package whose program is this, run by the Node that runs here. */
function createPackage(script: string, version = "24.21.0") {
  const path = mkdtempSync(join(tmpdir(), "sallyport-launcher-"));
  mkdirSync(join(path, "bin"));
  cpSync(LAUNCHER, join(path, "bin", "sallyport.js"));
  writeFileSync(join(path, "package.json"), '{"type":"module"}');
  const node = join(path, "node_modules", "node");
  mkdirSync(join(node, "bin"), { recursive: true });
  writeFileSync(join(node, "package.json"), JSON.stringify({ name: "node", version }));
  writeFileSync(join(node, "bin", "node"), `#!${process.execPath}\n${script}\n`);
  chmodSync(join(node, "bin", "node"), 0o755);
  return {
    launcher: join(path, "bin", "sallyport.js"),
    node,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

test("a Node that is new enough runs the command itself", async () => {
  using made = createPackage("console.log('never')");
  const { code, stdout } = await start(LAUNCHER, "24.21.0", ["--version"]).ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${VERSION}\n` });
  const { stderr } = await start(made.launcher, "25.0.0", []).ended;
  expect(stderr).toContain("dist/cli/main.js");
});

test.each(["20.20.2", "22.23.1", "24.20.9"])(
  "Node %s hands over, with what was asked for and how it ended",
  async (version) => {
    using made = createPackage(
      "console.log(process.argv.slice(3).join(), process.env.PATH.split(':')[0]); process.exitCode = 7",
    );
    const { code, stdout } = await start(made.launcher, version, ["explain", "--cert"]).ended;
    expect({ code, stdout }).toEqual({
      code: 7,
      stdout: `explain,--cert ${join(made.node, "bin")}\n`,
    });
  },
);

test("the real package's own Node is one that the launcher takes", async () => {
  const { code, stdout } = await start(LAUNCHER, "20.20.2", ["--version"]).ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${VERSION}\n` });
  expect(JSON.parse(readFileSync(NODE_MANIFEST, "utf8")).version).toMatch(/^24\.(2[1-9]|[3-9]\d)\./);
});

test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
  "%s reaches the command, which ends as it wants to",
  async (signal) => {
    using made = createPackage(
      `process.on("${signal}", () => { console.log("got it"); process.exit(3); });
      setInterval(() => {}, 1000);
      console.log("ready");`,
    );
    const { child, ended } = start(made.launcher, "20.20.2", []);
    await once(child.stdout, "data");
    child.kill(signal);
    const { code, stdout } = await ended;
    expect({ code, stdout }).toEqual({ code: 3, stdout: "ready\ngot it\n" });
  },
);

test.each([
  ["is not there", (node: string) => rmSync(join(node, "bin"), { recursive: true })],
  ["is too old itself", (node: string) => writeFileSync(join(node, "package.json"), '{"version":"20.1.0"}')],
])("where the package's Node %s, it is said what to do", async (_, spoil) => {
  using made = createPackage("console.log('never')");
  spoil(made.node);
  const { code, stdout, stderr } = await start(made.launcher, "20.20.2", ["dev"]).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^sallyport: error: Node 20\.20\.2 is too old, Sallyport needs 24\.21 or newer\n/);
  expect(stderr).toContain("npm install-scripts approve node && npm rebuild node");
});
