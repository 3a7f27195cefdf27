/** An empty folder outside of the repository, with the tools of a machine that has never heard of Sallyport. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "../../package.json" with { type: "json" };

export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
/** As `npm pack` names it */
export const TARBALL = `sallyport-${packageJson.version}.tgz`;
/** For `npm install`, beside what a reader types */
export const QUIET = ["--no-audit", "--no-fund", "--prefer-offline"];

export interface Run {
  code: number | null;
  /** Standard output and standard error, as they came */
  output: string;
}

/** Neither npm's settings of this repository, nor its programs, nor what a test runner tells its children. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_|VITEST|FORCE_COLOR$|TEST$|DEV$|PROD$|MODE$)/i.test(name),
  );
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return {
    ...Object.fromEntries(kept),
    PATH: path.join(delimiter),
    CI: "1",
    NO_COLOR: "1",
    WRANGLER_SEND_METRICS: "false",
  };
}

export function run(cwd: string, command: string, ...parameters: string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { cwd, env: cleanEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

/** @throws Error with what it said, unless it ended with 0 */
export async function succeed(cwd: string, command: string, ...parameters: string[]): Promise<string> {
  const { code, output } = await run(cwd, command, ...parameters);
  if (code !== 0) throw new Error(`${command} ${parameters.join(" ")} ended with ${code}: ${output.slice(-4_000)}`);
  return output;
}

/** The package as npm makes it, and installed from there as a reader would. */
export async function packAndInstall(folder: string): Promise<void> {
  await succeed(REPOSITORY, "npm", "pack", "--pack-destination", folder);
  await succeed(folder, "npm", "install", ...QUIET, `./${TARBALL}`);
}

/** A new project, with what it needs. */
export async function createProject(folder: string, name: string): Promise<void> {
  await succeed(folder, "npx", "sallyport", "init", name, "--yes");
  await succeed(join(folder, name), "npm", "install", ...QUIET);
}

export function createWorkshop(): { path: string } & Disposable {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "sallyport-package-")));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** The blocks of a document that begin with the path of a file in a comment. */
export function readExamples(document: string): Record<string, string> {
  const text = readFileSync(join(REPOSITORY, document), "utf8");
  return Object.fromEntries(
    [...text.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = "", code = ""]) => [name, code]),
  );
}
