/** Projects on disk for tests of the build: a good one, and whatever a test changes about it. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type BuildResult, buildProject } from "../../cli/build/build-project.ts";
import { formatProblem } from "../../cli/build/problem.ts";

export const ROUTES = "config/routes.oas.json";
export const POLICIES = "config/policies.json";
/** Where the route of {@link route} stands */
export const AT_ROUTE = `${ROUTES}: paths["/v1"].get["x-zuplo-route"]`;

/** Content by path inside the project; what is not a string is written as JSON, `undefined` leaves the file out. */
export type ProjectFiles = Record<string, unknown>;

export const handler = { export: "default", module: "$import(./modules/hello)" };

export const mtlsPolicy = {
  name: "mtls",
  policyType: "mtls-auth-inbound",
  handler: {
    export: "MTLSAuthInboundPolicy",
    module: "$import(@zuplo/runtime)",
    options: { certIssuerDN: "CN=example-ca" },
  },
};

export const outboundPolicy = {
  name: "outbound",
  policyType: "custom-code-outbound",
  handler: { export: "outbound", module: "$import(./modules/hello)" },
};

/** A routes file whose paths are given, and one with a single operation. */
export function routes(paths: Record<string, unknown>): Record<string, unknown> {
  return { openapi: "3.1.0", info: { title: "test", version: "1" }, paths };
}

export function route(extension: Record<string, unknown>, operation: Record<string, unknown> = {}) {
  return routes({ "/v1": { get: { ...operation, "x-zuplo-route": { handler, ...extension } } } });
}

const GOOD_PROJECT: ProjectFiles = {
  "config/routes.oas.json": route({ policies: { inbound: ["mtls"] } }),
  "config/policies.json": { policies: [mtlsPolicy, outboundPolicy] },
  "modules/hello.ts": 'export default () => "hello";\nexport const outbound = (response: Response) => response;\n',
};

/** The good project with `changes`, in a directory of its own that goes away with the test. */
export async function createProject(changes: ProjectFiles = {}): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "sallyport-build-")));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFiles(directory, { ...GOOD_PROJECT, ...changes });
  return directory;
}

export async function writeFiles(directory: string, files: ProjectFiles): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) continue;
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  }
}

/** Builds the good project with `changes` and gives each problem as the command would print it. */
export async function findProblems(changes: ProjectFiles): Promise<string[]> {
  return problemsOf(await buildProject({ projectDir: await createProject(changes) }));
}

export function problemsOf(result: BuildResult): string[] {
  return result.ok ? [] : result.problems.map(formatProblem);
}
