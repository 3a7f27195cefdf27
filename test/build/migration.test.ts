// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of handlers
/** What docs/migrating-from-zuplo.md lists works as listed, and what it quotes as refused is refused in these words. */
import { describe, expect, test } from "vitest";
import { buildProject } from "../../cli/build/build-project.ts";
import { formatProblem } from "../../cli/build/problem.ts";
import { ZUPLO_EXPORTS } from "../../cli/build/zuplo-exports.ts";
import { mtlsAuthInboundOptionsSchema } from "../../src/contract/policy-options/mtls-auth-inbound.ts";
import {
  findRuntimeExport,
  RUNTIME_EXPORTS,
  type RuntimeExport,
  type RuntimeHandlerName,
} from "../../src/contract/runtime-exports.ts";
import { RUNTIME_MODULE_EXPORTS } from "../../src/contract/runtime-module.ts";
import {
  cellOf,
  codeIn,
  commandsOfThePage,
  filesOfThePage,
  quotedPattern,
  type Row,
  readRepositoryFile,
  sectionAfter,
  tableAfter,
} from "./migration-page.ts";
import {
  createProject,
  findProblems,
  handler,
  POLICIES,
  type ProjectFiles,
  ROUTES,
  route,
  routes,
} from "./project-directory.ts";

const RUNTIME = "$import(@zuplo/runtime)";

const catalogue: [string, RuntimeExport][] = Object.entries(RUNTIME_EXPORTS);
const firstCodes = (rows: readonly Row[]) => rows.flatMap((row) => codeIn(cellOf(row, 0)));
/** Of a declaration in the source: what user code may name, without what the gateway adds for itself. */
function membersOf(path: string, declaration: string, pattern: RegExp): string[] {
  const body = readRepositoryFile(path).split(declaration)[1]?.split(/^}/m)[0] ?? "";
  return [...new Set([...body.matchAll(pattern)].map(([, name = ""]) => name))].sort();
}

function policy(policyType: string, name: string, options: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, policyType, handler: { export: name, module: RUNTIME, options } };
}

const withPolicy = (...parts: Parameters<typeof policy>): ProjectFiles => ({
  [POLICIES]: { policies: [policy(...parts)] },
  [ROUTES]: route({}),
});
const withHandler = (name: string, options: Record<string, unknown> = {}): ProjectFiles => ({
  [ROUTES]: route({ handler: { export: name, module: RUNTIME, options } }),
  [POLICIES]: { policies: [] },
});
const withMtls = (options: Record<string, unknown>) =>
  withPolicy("mtls-auth-inbound", "MTLSAuthInboundPolicy", options);
const withModule = (text: string): ProjectFiles => ({
  "modules/hello.ts": text,
  [ROUTES]: route({}),
  [POLICIES]: { policies: [] },
});
const withRoute = (document: unknown): ProjectFiles => ({ [ROUTES]: document, [POLICIES]: { policies: [] } });

/** By the first column of the table: a project that has it and nothing else that is wrong. */
const REFUSED: Record<string, ProjectFiles> = {
  "a policy of Zuplo's that is not here": withPolicy("rate-limit-inbound", "RateLimitInboundPolicy"),
  "a handler of Zuplo's that is not here": withHandler("awsLambdaHandler"),
  "a name that nobody knows": withPolicy("brand-new-inbound", "BrandNewInboundPolicy"),
  "an import that is not here": withModule(
    'import { ZoneCache } from "@zuplo/runtime"; export default () => ZoneCache;',
  ),
  "a plugin": {
    ...withModule("export default () => 1;"),
    "modules/zuplo.runtime.ts":
      'import { DataDogLoggingPlugin } from "@zuplo/runtime"; export function runtimeInit(runtime) { runtime.addPlugin(new DataDogLoggingPlugin({})); }',
  },
  "earlier options of the policy": withMtls({
    certIssuerDN: "CN=a",
    allowExpiredCertificates: false,
    allowRevokedCertificates: false,
  }),
  "enforcing without an issuer": withMtls({}),
  "an issuer in OpenSSL's old form": withMtls({ certIssuerDN: "/C=US/CN=example-ca" }),
  "a certificate's name with a hyphen": withHandler("urlForwardHandler", {
    baseUrl: "https://a.example",
    mtlsCertificate: "aws-alb-cert",
  }),
  "the same in a module": withModule(
    'export default () => fetch("https://a", { zuplo: { mtlsCertificate: "aws-alb-cert" } });',
  ),
  "code in the URL of a handler": withHandler("urlRewriteHandler", {
    rewritePattern: "https://a.example/${params.id.toUpperCase()}",
  }),
  "another version of OpenAPI": withRoute({ ...route({}), openapi: "3.0.3" }),
  "a path that is a reference": withRoute(routes({ "/v1": { $ref: "#/components/pathItems/v1" } })),
  "another key of a route": withRoute(route({ mcp: {} })),
  "any origin with credentials": {
    [ROUTES]: route({}),
    [POLICIES]: { corsPolicies: [{ name: "open", allowedOrigins: ["*"], allowCredentials: true }] },
  },
  "a variable outside of options": withRoute(route({ corsPolicy: "$env(CORS)" })),
  "a package as a module": withRoute(route({ handler: { ...handler, module: "$import(@acme/handlers)" } })),
  "comments in JSON": { [ROUTES]: route({}), [POLICIES]: "// mine\n{}" },
};

const WARNED: Record<string, ProjectFiles> = {
  "the project's file": { "zuplo.jsonc": "{}" },
  "the developer portal": { "docs/zudoku.config.ts": "" },
  "a member of the context (`invokeRoute`, `parentContext`, `analyticsContext`)": withModule(
    'export default (_, context) => context.invokeRoute("/v1");',
  ),
  "other extensions of Zuplo's": withRoute(route({}, { "x-zuplo-mcp-tool": {} })),
};

describe("what the page lists as working", () => {
  test("are all policies of the runtime, each with its type", () => {
    const rows = tableAfter("**Policies** of `@zuplo/runtime`");
    const listed = rows.flatMap((row) => {
      const [name] = codeIn(cellOf(row, 0));
      return name === "./modules/" ? [] : [[name, codeIn(cellOf(row, 1))[0]]];
    });
    const policies = catalogue.filter(([, { kind }]) => kind !== "handler");
    expect(new Map(listed as [string, string][])).toEqual(
      new Map(policies.map(([name, { policyType }]) => [name, policyType])),
    );
  });

  test("are all handlers of the runtime, with all of their options", () => {
    const rows = tableAfter("**Handlers**: functions of");
    const handlers = catalogue.filter(([, { kind }]) => kind === "handler");
    expect(firstCodes(rows).sort()).toEqual(handlers.map(([name]) => name).sort());
    for (const row of rows) {
      const [name] = codeIn(cellOf(row, 0));
      const { shape } = RUNTIME_EXPORTS[name as RuntimeHandlerName].options;
      expect(codeIn(cellOf(row, 1)).sort()).toEqual(Object.keys(shape).sort());
    }
  });

  test("are all imports of the runtime", () => {
    expect(firstCodes(tableAfter("**Imports** from")).sort()).toEqual([...RUNTIME_MODULE_EXPORTS].sort());
  });

  test("are all members of request, context, runtime and mtlsAuth", () => {
    const members = new Map(tableAfter("**Members**:").map((row) => [cellOf(row, 0), codeIn(cellOf(row, 1)).sort()]));
    const ofRequest = membersOf(
      "src/runtime/request.ts",
      "class ZuploRequest",
      /^ {2}(?:get )?(\w+)(?:: |\(\): \w+Of)/gm,
    );
    expect(members.get("`request`")).toEqual(["Request", ...ofRequest]);
    const ofContext = membersOf("src/runtime/context.ts", "class ZuploContext", /^ {2}abstract (?:readonly )?(\w+)/gm);
    expect(members.get("`context`")).toEqual(ofContext);
    const extensions = "interface RuntimeExtensions";
    const ofRuntime = membersOf("src/runtime/runtime-extensions.ts", extensions, /^ {2}(\w+)\??[:(]/gm);
    expect(members.get("`runtime` of `runtimeInit`")).toEqual(ofRuntime);
    const ofMtlsAuth = membersOf("src/runtime/request.ts", "interface MtlsAuth", /^ {2}(\w+):/gm);
    expect(members.get("`request.user.data.mtlsAuth`")).toEqual(ofMtlsAuth);
  });

  test("are all options of mtls-auth-inbound", () => {
    const listed = firstCodes(tableAfter("## `mtls-auth-inbound`, option by option"));
    expect(listed.sort()).toEqual(Object.keys(mtlsAuthInboundOptionsSchema.shape).sort());
  });

  test("builds: the project of the walk", async () => {
    const files = filesOfThePage();
    expect(Object.keys(files).sort()).toEqual([POLICIES, ROUTES, "modules/hello.ts"]);
    const result = await buildProject({ projectDir: await createProject(files) });
    expect(result).toMatchObject({ ok: true, warnings: [], routes: [{ path: "/v1/example" }, { path: "/v1/alb/*" }] });
  });
});

describe("what the page quotes as refused", () => {
  const rows = tableAfter("## What is refused");

  test("is what this test builds", () => {
    expect(rows.map((row) => cellOf(row, 0)).sort()).toEqual(Object.keys(REFUSED).sort());
  });

  test.each(rows)("%s, in these words", async (what, quoted) => {
    const problems = await findProblems(REFUSED[what as string] ?? {});
    expect(problems).toContainEqual(expect.stringMatching(quotedPattern(codeIn(quoted as string)[0] ?? "")));
  });

  test("by name are all that Zuplo documents and the runtime does not have", async () => {
    const names = codeIn(sectionAfter("**Every policy and handler of Zuplo's documentation that is refused by name**"));
    const listed = names.filter((name) => name !== "modules/");
    expect(listed.sort()).toEqual([...ZUPLO_EXPORTS].filter((name) => !findRuntimeExport(name)).sort());
    const policies = listed.map((name) => policy("x-inbound", name));
    const problems = await findProblems({ [POLICIES]: { policies }, [ROUTES]: route({}) });
    expect(problems).toHaveLength(listed.length);
    for (const [index, name] of listed.entries())
      expect(problems[index]).toContain(`"${name}" is not supported by sallyport`);
  });
});

describe("what the page quotes as a warning", () => {
  const rows = tableAfter("What means nothing here is a warning");

  test("is what this test builds", () => {
    expect(rows.map((row) => cellOf(row, 0)).sort()).toEqual(Object.keys(WARNED).sort());
  });

  test.each(rows)("%s, in these words", async (what, quoted) => {
    const result = await buildProject({ projectDir: await createProject(WARNED[what as string]) });
    expect(result.ok && result.warnings.map(formatProblem)).toEqual(codeIn(quoted as string));
  });
});

test("each command of the page is there, with the flags that the page gives it", () => {
  const reference = readRepositoryFile("docs/cli.md");
  const commands = commandsOfThePage();
  expect(commands.length).toBeGreaterThan(20);
  for (const { name, flags } of commands) {
    const section = reference.split(new RegExp(`^##+ ${name}\n`, "m"))[1]?.split(/^##+ /m)[0];
    expect(section, name).toBeDefined();
    for (const flag of flags) expect(section, name).toMatch(new RegExp(`\`--${flag}[ \`]`));
  }
});
