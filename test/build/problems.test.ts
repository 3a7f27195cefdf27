import { describe, expect, test } from "vitest";
import {
  AT_ROUTE,
  findProblems,
  handler,
  mtlsPolicy,
  POLICIES,
  type ProjectFiles,
  ROUTES,
  route,
  routes,
} from "./project-directory.ts";

test("a good project has no problems", async () => {
  expect(await findProblems({})).toEqual([]);
});

/** What is broken, the files that differ from the good project, and every line that the command then prints. */
const files: [string, ProjectFiles, string[]][] = [
  ["no route file", { [ROUTES]: undefined }, ['config: "*.oas.json" is missing, found no file of that name']],
  ["an empty file", { [ROUTES]: "" }, [`${ROUTES}:1:1: unexpected end of file in JSON`]],
  ["a syntax error", { [POLICIES]: '{\n  "policies": [,]\n}' }, [`${POLICIES}:2:16: unexpected "," in JSON`]],
  ["a comment", { [POLICIES]: "// mine\n{}" }, [`${POLICIES}:1:1: JSON does not support comments`]],
  [
    "a key that stands twice",
    { [POLICIES]: '{ "policies": [],\n  "policies": [] }' },
    [`${POLICIES}:2:3: duplicate key "policies" in object literal`],
  ],
  [
    "a key that would set a prototype",
    { [POLICIES]: '{ "policies": [{ "__proto__": {} }] }' },
    [`${POLICIES}: policies[0].__proto__: "__proto__" is not allowed as a key`],
  ],
  [
    "nesting that would overflow a stack",
    { [POLICIES]: `${"[".repeat(50_000)}${"]".repeat(50_000)}` },
    [`${POLICIES}: is nested too deeply, allowed: 128 levels`],
  ],
  [
    "a file that is far too large",
    { [POLICIES]: `{}${" ".repeat(4 * 1024 * 1024)}` },
    [`${POLICIES}: cannot be read: 4194306 bytes are too many, allowed: 4194304`],
  ],
  [
    "another version of OpenAPI",
    { [ROUTES]: { openapi: "3.0.3", paths: {} } },
    [`${ROUTES}: openapi: "3.0.3" is not a supported version, allowed: OpenAPI 3.1`],
  ],
  ["no version of OpenAPI", { [ROUTES]: {} }, [`${ROUTES}: openapi: "openapi" is missing, expected: string`]],
  ["an array for a document", { [ROUTES]: [] }, [`${ROUTES}: [] is of the wrong type, expected: object`]],
  [
    "a key that policies.json does not have",
    { [POLICIES]: { polices: [] }, [ROUTES]: route({}) },
    [`${POLICIES}: "polices" is not a key here, allowed: policies, corsPolicies`],
  ],
];

const paths: [string, ProjectFiles, string[]][] = [
  [
    "a method that is misspelt",
    { [ROUTES]: routes({ "/v1": { gte: {} } }) },
    [
      `${ROUTES}: paths["/v1"].gte: "gte" is not a key here, allowed: get, put, post, delete, options, head, patch, trace, summary, description, servers, parameters, x-zuplo-path`,
    ],
  ],
  [
    "another path mode",
    { [ROUTES]: routes({ "/v1": { "x-zuplo-path": { pathMode: "regex" } } }) },
    [`${ROUTES}: paths["/v1"]["x-zuplo-path"].pathMode: "regex" is not allowed here, allowed: open-api, url-pattern`],
  ],
  ["a path without its slash", { [ROUTES]: routes({ v1: {} }) }, [`${ROUTES}: paths.v1: "v1" does not begin with "/"`]],
  [
    "a parameter that stands twice",
    { [ROUTES]: routes({ "/{id}/{id}": {} }) },
    [`${ROUTES}: paths["/{id}/{id}"]: "/{id}/{id}" has the parameter {id} twice`],
  ],
  [
    "a brace that is not closed",
    { [ROUTES]: routes({ "/{id": {} }) },
    [`${ROUTES}: paths["/{id"]: "/{id" has a brace without its partner`],
  ],
  [
    "an operation without a route",
    { [ROUTES]: routes({ "/v1": { get: {} } }) },
    [`${AT_ROUTE}: "x-zuplo-route" is missing, expected: object`],
  ],
  [
    "a route without a handler",
    { [ROUTES]: routes({ "/v1": { get: { "x-zuplo-route": {} } } }) },
    [`${AT_ROUTE}.handler: "handler" is missing, expected: object`],
  ],
  [
    "misspelt keys of a route",
    { [ROUTES]: route({ policy: {}, policies: { inbounds: [] } }) },
    [
      `${AT_ROUTE}.policies: "inbounds" is not a key here, allowed: inbound, outbound`,
      `${AT_ROUTE}: "policy" is not a key here, allowed: corsPolicy, handler, policies`,
    ],
  ],
  [
    "the same path and method in two files",
    { "config/other.oas.json": route({}) },
    [`${ROUTES}: paths["/v1"].get: "GET /v1" is defined already, found at config/other.oas.json: paths["/v1"].get`],
  ],
  [
    "the same operation id twice",
    {
      [ROUTES]: routes({
        "/a": { get: { operationId: "same", "x-zuplo-route": { handler } } },
        "/b": { get: { operationId: "same", "x-zuplo-route": { handler } } },
      }),
    },
    [
      `${ROUTES}: paths["/b"].get.operationId: "same" is defined already, found at ${ROUTES}: paths["/a"].get.operationId`,
    ],
  ],
];

const references: [string, ProjectFiles, string[]][] = [
  [
    "a policy that does not exist",
    { [ROUTES]: route({ policies: { inbound: ["mltls"] } }) },
    [`${AT_ROUTE}.policies.inbound[0]: "mltls" is not a policy, found mtls, outbound in ${POLICIES}`],
  ],
  [
    "a policy in a project that has none",
    { [ROUTES]: route({ policies: { inbound: ["mtls"] } }), [POLICIES]: undefined },
    [`${AT_ROUTE}.policies.inbound[0]: "mtls" is not a policy, found none in ${POLICIES}`],
  ],
  [
    "policies in each other's place",
    { [ROUTES]: route({ policies: { inbound: ["outbound"], outbound: ["mtls"] } }) },
    [
      `${AT_ROUTE}.policies.inbound[0]: "outbound" is an outbound policy, expected: an inbound policy`,
      `${AT_ROUTE}.policies.outbound[0]: "mtls" is an inbound policy, expected: an outbound policy`,
    ],
  ],
  [
    "a CORS policy that does not exist",
    { [ROUTES]: route({ corsPolicy: "open" }) },
    [`${AT_ROUTE}.corsPolicy: "open" is not a CORS policy, allowed: none, anything-goes`],
  ],
  [
    "a policy for a handler",
    { [ROUTES]: route({ handler: mtlsPolicy.handler }) },
    [
      expect.stringContaining(
        `${AT_ROUTE}.handler.export: "MTLSAuthInboundPolicy" is an inbound policy, which cannot stand here`,
      ),
    ],
  ],
  [
    "an export that nobody has",
    { [ROUTES]: route({ handler: { ...handler, module: "$import(@zuplo/runtime)", export: "urlFroward" } }) },
    [expect.stringContaining(`${AT_ROUTE}.handler.export: "urlFroward" is not an export of @zuplo/runtime, allowed: `)],
  ],
  [
    "an export that is called like a method of every object",
    { [ROUTES]: route({ handler: { ...handler, module: "$import(@zuplo/runtime)", export: "constructor" } }) },
    [expect.stringContaining('"constructor" is not an export of @zuplo/runtime')],
  ],
  [
    "an export that Zuplo has and the runtime has not",
    { [ROUTES]: route({ handler: { ...handler, module: "$import(@zuplo/runtime)", export: "mcpServerHandler" } }) },
    [expect.stringContaining('"mcpServerHandler" is not supported by sallyport, allowed: ')],
  ],
  [
    "a module that does not exist",
    { [ROUTES]: route({ handler: { ...handler, module: "$import(./modules/helo)" } }) },
    [
      `${AT_ROUTE}.handler.module: "$import(./modules/helo)" is not a module of the project, looked for .ts, .tsx, .js, .mjs`,
    ],
  ],
  [
    "a module without the export",
    { [ROUTES]: route({ handler: { ...handler, export: "main" } }) },
    [`${AT_ROUTE}.handler.export: "main" is not an export of ./modules/hello, found default, outbound`],
  ],
  [
    "a module that is not selected",
    { [ROUTES]: route({ handler: { ...handler, module: "./modules/hello" } }) },
    [`${AT_ROUTE}.handler.module: "./modules/hello" is not of the form $import(…)`],
  ],
  [
    "a module with its extension",
    { [ROUTES]: route({ handler: { ...handler, module: "$import(./modules/hello.ts)" } }) },
    [`${AT_ROUTE}.handler.module: "$import(./modules/hello.ts)" must name the module without its extension`],
  ],
  [
    "a module outside of modules/",
    { [ROUTES]: route({ handler: { ...handler, module: "$import(../secret)" } }) },
    [
      `${AT_ROUTE}.handler.module: "$import(../secret)" names neither @zuplo/runtime, @sallyport/runtime nor a module below ./modules/`,
    ],
  ],
  [
    "a module that climbs out of modules/",
    { [ROUTES]: route({ handler: { ...handler, module: "$import(./modules/../secret)" } }) },
    [
      `${AT_ROUTE}.handler.module: "$import(./modules/../secret)" has a path segment that is empty, begins with a dot or has odd characters`,
    ],
  ],
  [
    "a syntax error in a module",
    { "modules/hello.ts": "export default () => {\n  return ;;;)\n};" },
    ['modules/hello.ts:2:13: Unexpected ")"'],
  ],
];

describe("files", () => {
  test.each(files)("%s is a problem", async (_, changes, problems) => {
    expect(await findProblems(changes)).toEqual(problems);
  });
});

describe("paths and operations", () => {
  test.each(paths)("%s is a problem", async (_, changes, problems) => {
    expect(await findProblems(changes)).toEqual(problems);
  });
});

describe("references", () => {
  test.each(references)("%s is a problem", async (_, changes, problems) => {
    expect(await findProblems(changes)).toEqual(problems);
  });
});

test("all problems of all files are told at once", async () => {
  const problems = await findProblems({
    [ROUTES]: route({ policies: { inbound: ["nobody"] }, handler: { ...handler, export: "main" } }),
    [POLICIES]: { policies: [{ ...mtlsPolicy, policyType: "x" }, { name: 1 }] },
    "config/second.oas.json": '{ "openapi": ',
  });
  expect(problems.map((problem) => problem.split(/: "|: (?=\d+ )|: unexpected/)[0])).toEqual([
    "config/second.oas.json:1:14",
    `${POLICIES}: policies[0].policyType`,
    `${POLICIES}: policies[1].name`,
    `${POLICIES}: policies[1].policyType`,
    `${POLICIES}: policies[1].handler`,
    `${AT_ROUTE}.policies.inbound[0]`,
    `${AT_ROUTE}.handler.export`,
  ]);
});

test("a policies file that cannot be read says nothing about the routes that name its policies", async () => {
  expect(await findProblems({ [POLICIES]: "{" })).toHaveLength(1);
});
