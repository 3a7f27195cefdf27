/** The examples of docs/policies.md are parts of a project: they are put into one, which is built, and asked. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { REPOSITORY, run, succeed, writeFiles } from "../package/workshop.ts";
import { readBlocks } from "./markdown.ts";
import { POLICIES_TEST, VITEST_CONFIG, WHO_MODULE } from "./policies-project.ts";

const PAGE = "docs/policies.md";
const workshop = inject("workshop");
const project = join(workshop, "pages", "policies");

interface Examples {
  /** Of a route */
  handlers: object[];
  policies: { name: string }[];
}

/** A block is a policy, or a part: the handler of a route, or the options of the export that the section names. */
function readExamples(markdown: string): Examples {
  const examples: Examples = { handlers: [], policies: [] };
  for (const { language, lines, line } of readBlocks(markdown)) {
    if (language !== "json") continue;
    const text = lines.join("\n");
    const part = JSON.parse(text.startsWith("{") ? text : `{${text}}`);
    if (part.policyType !== undefined) examples.policies.push(part);
    else if (part.handler !== undefined) examples.handlers.push(part.handler);
    else if (part.options !== undefined) examples.policies.push(createCdnPolicy(part.options));
    else throw new Error(`${PAGE}: line ${line} is no part of a project that is known here`);
  }
  return examples;
}

const runtime = (name: string, options: object) => ({ export: name, module: "$import(@sallyport/runtime)", options });

function createCdnPolicy(options: object) {
  const handler = runtime("CdnIdentityInboundPolicy", options);
  return { name: "cdn", policyType: "cdn-identity-inbound", handler };
}

function createFiles({ handlers, policies }: Examples): Record<string, string> {
  const passthrough = runtime("MTLSAuthInboundPolicy", { allowUnauthenticatedRequests: true });
  const known = { name: "who", policyType: "mtls-auth-inbound", handler: passthrough };
  const who = { export: "default", module: "$import(./modules/who)" };
  const route = (handler: object, inbound: string[]) => ({
    get: { "x-zuplo-route": { corsPolicy: "none", handler, policies: { inbound } } },
  });
  const paths = {
    ...Object.fromEntries(handlers.map((handler) => ["/v1/forward", route(handler, [])])),
    ...Object.fromEntries([...policies, known].map(({ name }) => [`/v1/${name}`, route(who, [name])])),
  };
  return {
    "config/routes.oas.json": JSON.stringify({ openapi: "3.1.0", info: { title: "Policies", version: "1" }, paths }),
    "config/policies.json": JSON.stringify({ policies: [...policies, known] }),
    "modules/who.ts": WHO_MODULE,
    "test/policies.test.ts": POLICIES_TEST,
    "vitest.config.ts": VITEST_CONFIG,
  };
}

describe(PAGE, () => {
  const examples = readExamples(readFileSync(join(REPOSITORY, PAGE), "utf8"));

  beforeAll(async () => {
    await succeed(workshop, "mkdir", "-p", project);
    await succeed(workshop, "cp", "-al", "app/.", project);
    // Links to the files of `app`: what is written anew has to be another file.
    for (const name of ["config", "modules", "test/gateway.test.ts", "vitest.config.ts"]) {
      rmSync(join(project, name), { recursive: true });
    }
    writeFiles(project, createFiles(examples));
  });

  it("has the examples that are asked here", () => {
    expect(examples.handlers).toHaveLength(1);
    expect(examples.policies.map(({ name }) => name)).toEqual(["token", "cdn"]);
  });

  it("has examples that build", async () => {
    await succeed(project, "npx", "sallyport", "build");
  });

  it("has policies that do what it says", async () => {
    const { output } = await run(project, "npm", "test");
    expect(output).toMatch(/Tests\s+3 passed \(3\)/);
  });
});
