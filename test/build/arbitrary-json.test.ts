import fc from "fast-check";
import { expect, test } from "vitest";
import { compileProject } from "../../cli/build/compile-project.ts";
import type { BuildLog } from "../../cli/build/problem.ts";
import type { JsonValue } from "../../src/contract/project.ts";

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;

/** Objects with the keys of project files, so that the checks behind the first schema are reached too. */
const names = [
  "a",
  "b",
  "$env(X)",
  "constructor",
  "mtls-auth-inbound",
  "composite-inbound",
  "custom-code-inbound",
  "none",
];
const name = fc.constantFrom(...names);
const handler = shape({
  export: fc.constantFrom("default", "MTLSAuthInboundPolicy", "CompositeInboundPolicy", "toString", ""),
  module: fc.constantFrom("$import(@zuplo/runtime)", "$import(./modules/x)", "$import(./modules/../x)", "$import("),
  options: fc.oneof(json, shape({ policies: fc.array(name), certIssuerDN: fc.string(), allow: json })),
});
const policies = shape({
  policies: fc.array(shape({ name, policyType: name, handler })),
  corsPolicies: fc.array(shape({ name, allowedOrigins: fc.oneof(fc.string(), fc.array(fc.string())), maxAge: json })),
});
const route = shape({
  corsPolicy: name,
  handler,
  policies: shape({ inbound: fc.array(name), outbound: fc.array(name) }),
});
const operation = shape({ operationId: fc.string(), "x-zuplo-route": route });
const item = shape({
  get: operation,
  post: operation,
  "x-zuplo-path": shape({ pathMode: fc.constantFrom("open-api", "url-pattern") }),
});
const path = fc.oneof(fc.string(), fc.stringMatching(/^\/[a-z{}:*()]{0,8}$/));
const routes = shape({ openapi: fc.constant("3.1.0"), paths: fc.dictionary(path, item, { noNullPrototype: true }) });

/** Each key is there, missing, or something else altogether. */
function shape(keys: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonValue> {
  const values = Object.entries(keys).map(([key, value]) => [key, fc.oneof({ weight: 9, arbitrary: value }, json)]);
  const object = fc.record(Object.fromEntries(values), { requiredKeys: [], noNullPrototype: true });
  return object.map((value) => value as JsonValue);
}

function compile(routesValue: JsonValue, policiesValue: JsonValue): BuildLog {
  const log: BuildLog = { problems: [], warnings: [] };
  const file = (value: JsonValue) => ({ file: "config/x.json", value });
  compileProject({ routes: [file(routesValue)], policies: file(policiesValue) }, log);
  return log;
}

test("whatever JSON the files hold, the build only reports", () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(compile(a, b).problems.length).toBeGreaterThan(0);
    }),
  );
});

test("whatever the pieces of routes and policies are, every problem has a file and a text", () => {
  fc.assert(
    fc.property(routes, policies, (a, b) => {
      for (const problem of compile(a, b).problems) expect(problem.file && problem.message).not.toBe("");
    }),
    { numRuns: 500 },
  );
});
