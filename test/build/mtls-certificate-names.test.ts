// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of handlers and of modules
/** Which mTLS certificates a build says that the project names, for its deployment to register. */
import { describe, expect, test } from "vitest";
import { buildProject } from "../../cli/build/build-project.ts";
import { formatProblem } from "../../cli/build/problem.ts";
import { createProject, findProblems, type ProjectFiles, route, routes } from "./project-directory.ts";

async function namesOf(changes: ProjectFiles): Promise<readonly string[]> {
  const result = await buildProject({ projectDir: await createProject(changes) });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  expect(result.warnings.map(formatProblem)).toEqual([]);
  return result.mtlsCertificateNames;
}

const RUNTIME = 'import { environment } from "@zuplo/runtime";\n';
const HELLO = "export const outbound = (response: Response) => response;\n";

/** The project with one module, which calls `fetch` like that. */
function inModule(call: string, before = ""): ProjectFiles {
  const code = `${RUNTIME}${HELLO}${before}\nexport default async (request: Request) => ${call};\n`;
  return { "modules/hello.ts": code };
}

function forwardTo(mtlsCertificate: string) {
  const options = { baseUrl: "https://a.example", mtlsCertificate };
  return {
    get: { "x-zuplo-route": { handler: { export: "urlForwardHandler", module: "$import(@zuplo/runtime)", options } } },
  };
}

describe("a name counts", () => {
  test("in the options of urlForwardHandler and urlRewriteHandler, once, and sorted with all others", async () => {
    const rewrite = {
      export: "urlRewriteHandler",
      module: "$import(@sallyport/runtime)",
      options: { rewritePattern: "https://a.example/", mtlsCertificate: "m" },
    };
    const files = {
      "config/routes.oas.json": routes({ "/1": forwardTo("z"), "/2": forwardTo("b"), "/3": forwardTo("z") }),
      "config/second.oas.json": routes({
        "/4": { get: { "x-zuplo-route": { handler: rewrite } } },
        "/5": { get: { "x-zuplo-route": { handler: { export: "default", module: "$import(./modules/hello)" } } } },
      }),
      ...inModule('fetch("https://a.example", { zuplo: { mtlsCertificate: "a" } })'),
    };
    expect(await namesOf(files)).toEqual(["a", "b", "m", "z"]);
  });

  test.each<[string, string, string, string?]>([
    ["under our own key", 'fetch("https://x", { sallyport: { mtlsCertificate: "cert" } })', "cert"],
    ["with quoted keys", 'fetch("https://x", { "zuplo": { ["mtlsCertificate"]: `cert` } })', "cert"],
    [
      "with TypeScript around it",
      'fetch("https://x", { zuplo: { mtlsCertificate: "cert" as const } } as object)',
      "cert",
    ],
    [
      "in options that are put together first",
      'fetch("https://x", init)',
      "cert",
      'const init = { method: "PUT", zuplo: { mtlsCertificate: "cert" } };',
    ],
    [
      "from an enumeration",
      'fetch("https://x", { zuplo: { mtlsCertificate: Names.alb } })',
      "cert",
      'enum Names { alb = "cert" }',
    ],
    [
      "on either side of a choice",
      'fetch("https://x", { zuplo: { mtlsCertificate: environment.LIVE ? "one" : environment.CERT ?? "two" } })',
      "one two",
    ],
    [
      "beside a decorator and `using`",
      'fetch("https://x", { zuplo: { mtlsCertificate: "cert" } })',
      "cert",
      "const logged = (value: unknown) => value as never;\n@logged class A {}\nexport async function more() { await using a = new A() as never; }",
    ],
  ])("in a module, %s", async (_, call, expected, before) => {
    expect((await namesOf(inModule(call, before))).join(" ")).toBe(expected);
  });

  test("in what a module imports, and in hooks", async () => {
    const inHelper = 'export const call = () => fetch("https://x", { zuplo: { mtlsCertificate: "helper" } });';
    const files = {
      ...inModule("call()", 'import { call } from "./calls/helper";'),
      "modules/calls/helper.ts": inHelper,
      "modules/zuplo.runtime.ts": inHelper.replace("call", "runtimeInit").replace("helper", "hook"),
    };
    expect(await namesOf(files)).toEqual(["helper", "hook"]);
  });
});

test.each<[string, ProjectFiles]>([
  ["a variable names it in a route", { "config/routes.oas.json": routes({ "/1": forwardTo("$env(ALB_MTLS_CERT)") }) }],
  ["a variable is a part of it", { "config/routes.oas.json": routes({ "/1": forwardTo("alb-$env(STAGE)") }) }],
  ["a variable names it in a module", inModule('fetch("https://x", { zuplo: { mtlsCertificate: environment.CERT } })')],
  ["it is made up", inModule('fetch("https://x", { zuplo: { mtlsCertificate: `alb_${environment.STAGE}` } })')],
  ["it stands elsewhere", inModule('fetch("https://x", { headers: { mtlsCertificate: "cert" } })')],
  [
    "it is a comment or text",
    inModule('fetch("{ zuplo: { mtlsCertificate: \'cert\' } }") /* { zuplo: { mtlsCertificate: "cert" } } */'),
  ],
  ["nothing uses the module", { "modules/other.ts": 'fetch("https://x", { zuplo: { mtlsCertificate: "cert" } });' }],
  [
    "options of the project's own handler have it",
    {
      "config/routes.oas.json": route({
        handler: { export: "default", module: "$import(./modules/hello)", options: { mtlsCertificate: "not-a-name" } },
      }),
    },
  ],
])("none counts where %s", async (_, files) => {
  expect(await namesOf(files)).toEqual([]);
});

describe("a literal that nothing can be uploaded under", () => {
  test("does not build from a module: file, line and column are those of the source", async () => {
    const code =
      '\nexport interface Unused { a: string }\nexport default () =>\n  fetch("https://x", { zuplo: { mtlsCertificate: "aws-alb-cert" } });\n';
    const result = await buildProject({
      projectDir: await createProject({
        "modules/hello.ts": `${HELLO}export { default } from "./calls/alb";`,
        "modules/calls/alb.ts": code,
      }),
    });
    expect(result).toMatchObject({
      ok: false,
      problems: [
        {
          file: "modules/calls/alb.ts",
          location: { line: 4 },
          message: expect.stringMatching(/^"aws-alb-cert" cannot be the name of an mTLS certificate, allowed are/),
          hint: "write aws_alb_cert, and upload it under that name: sallyport mtls-certificate create --name aws_alb_cert",
        },
      ],
    });
  });

  test.each(["", "1st", "two words", "ä", "a".repeat(65)])("%j", async (name) => {
    const call = `fetch("https://x", { zuplo: { mtlsCertificate: ${JSON.stringify(name)} } })`;
    expect(await findProblems(inModule(call))).toEqual([expect.stringContaining(`"${name}" cannot be the name`)]);
  });
});

test("a module that the parser cannot read is told as a warning, and builds", async () => {
  const code = `import source module from "./some.wasm";\nexport const outbound = 1;\nexport default () => fetch("https://x", { module, zuplo: { mtlsCertificate: "c" } });\n`;
  const result = await buildProject({
    projectDir: await createProject({ "modules/hello.js": code, "modules/hello.ts": undefined }),
  });
  expect(result.ok && result.warnings.map(formatProblem)).toEqual([
    expect.stringMatching(/^modules\/hello\.js: cannot be read for names of mTLS certificates: /),
  ]);
});
