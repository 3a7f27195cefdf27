/** A project that comes from Zuplo: one message for each thing that it uses and that is not here. */
import { describe, expect, test } from "vitest";
import { buildProject } from "../../cli/build/build-project.ts";
import { formatProblem } from "../../cli/build/problem.ts";
import { createProject, findProblems, handler, type ProjectFiles, routes } from "./project-directory.ts";

const ALLOWED =
  "ConfigurationError, HttpProblems, OriginError, RuntimeError, ZuploContext, ZuploRequest, environment, and types";

async function findWarnings(changes: ProjectFiles): Promise<string[]> {
  const result = await buildProject({ projectDir: await createProject(changes) });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.warnings.map(formatProblem);
}

const module = (text: string) => ({
  "modules/hello.ts": `${text}\nexport const outbound = (response: Response) => response;\n`,
});

describe("an import from the runtime", () => {
  test("that is not here is a problem, with its place in the source", async () => {
    const text = `import { ZuploContext } from "@zuplo/runtime";
import { environment, ZoneCache as Cache } from "@zuplo/runtime";
export default (_: Request, context: ZuploContext) => new Cache(environment.NAME, context).get("a");`;
    expect(await findProblems(module(text))).toEqual([
      `modules/hello.ts:2:23: "ZoneCache" of @zuplo/runtime is not supported by sallyport, allowed: ${ALLOWED}`,
    ]);
  });

  test.each([
    ["our own name of it", 'import { Logger2 } from "@sallyport/runtime"; export default () => Logger2;', "Logger2"],
    ["a default import", 'import zuplo from "@zuplo/runtime"; export default () => zuplo;', "zuplo"],
    [
      "an export of it",
      'export { BackgroundLoader } from "@zuplo/runtime"; export default () => "";',
      "BackgroundLoader",
    ],
    [
      "a member of a namespace",
      'import * as zuplo from "@zuplo/runtime"; export default () => new zuplo.ZoneCache("a");',
      "ZoneCache",
    ],
  ])("under %s, too", async (_, text, name) => {
    const [problem = "", ...others] = await findProblems(module(text));
    expect(problem).toContain(`"${name}" of @`);
    expect(others).toEqual([]);
  });

  test("in a file that the module imports is found there", async () => {
    const files = {
      ...module('import { cache } from "./cache"; export default () => cache;'),
      "modules/cache.ts": 'import { ZoneCache } from "@zuplo/runtime";\n\nexport const cache = () => ZoneCache;\n',
    };
    expect(await findProblems(files)).toMatchObject([
      expect.stringMatching(/^modules\/cache\.ts:\d+:\d+: "ZoneCache"/),
    ]);
  });

  test.each([
    [
      "a type without import type",
      'import { ZuploRequest, MadeUpType } from "@zuplo/runtime"; export default (r: ZuploRequest): MadeUpType => r;',
    ],
    ["a namespace", 'import * as runtime from "@zuplo/runtime"; export default () => runtime.environment;'],
    [
      "what is here",
      'import { HttpProblems, ZuploContext, ZuploRequest, environment } from "@zuplo/runtime"; export default () => [HttpProblems, ZuploContext, ZuploRequest, environment];',
    ],
    [
      "something of that name from elsewhere",
      'import { environment } from "@zuplo/runtime"; import { ZoneCache } from "cache"; export default () => [environment, ZoneCache];',
    ],
  ])("is none for %s", async (_, text) => {
    expect(await findProblems(module(text))).toEqual([]);
  });
});

describe("a warning", () => {
  test("is said for an extension that means nothing here, and not for those that do", async () => {
    const operation = { "x-zuplo-route": { handler }, "x-zuplo-mcp-tool": {}, "x-other": {} };
    const item = { "x-zuplo-path": { pathMode: "open-api" }, "x-zuplo-rate": 1, get: operation };
    const document = { ...routes({ "/v1": item }), "x-zuplo-mcp": true };
    const file = "config/routes.oas.json";
    const text = (key: string) => `"${key}" is not supported by sallyport and means nothing, supported:`;
    expect(await findWarnings({ [file]: document })).toEqual([
      `${file}: ${text("x-zuplo-mcp")} none here`,
      `${file}: paths["/v1"]: ${text("x-zuplo-rate")} x-zuplo-path`,
      `${file}: paths["/v1"].get: ${text("x-zuplo-mcp-tool")} x-zuplo-route`,
    ]);
  });

  test("is said for the project's file and for the developer portal, each once", async () => {
    const portal = { "docs/zudoku.config.tsx": "", "config/dev-portal.json": "{}" };
    expect(await findWarnings({ "zuplo.jsonc": "{}", ...portal })).toEqual([
      "zuplo.jsonc: is not read by sallyport",
      "docs/zudoku.config.tsx: the developer portal is not supported by sallyport",
    ]);
  });

  test("is said for members of the context that are not here, with their places, and for no others", async () => {
    const text = `export default async (request: Request, context: any) => {
  if (context.parentContext) return context.custom.invoked;
  const key = "parentContext";
  return context[key] ?? context.invokeRoute("/v1");
};`;
    const missing = (name: string) => `"${name}" is not supported by sallyport, the context does not have it`;
    expect((await findWarnings(module(text))).sort()).toEqual([
      `modules/hello.ts:2:15: ${missing("parentContext")}`,
      `modules/hello.ts:4:34: ${missing("invokeRoute")}`,
    ]);
  });

  test("is not said for a project without all that", async () => {
    expect(await findWarnings({ "docs/README.md": "" })).toEqual([]);
  });
});
