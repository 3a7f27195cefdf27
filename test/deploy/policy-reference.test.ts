/**
 * docs/policy-reference.md is made of the schemas, of the comments at them and of the policies' own answers:
 * `npx vitest run --project deploy -u` writes it anew.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { compileProject } from "../../cli/build/compile-project.ts";
import { formatProblem } from "../../cli/build/problem.ts";
import { validateOptions } from "../../src/contract/policy-options/validate-options.ts";
import { PROBLEMS, type ProblemCode } from "../../src/contract/problem.ts";
import {
  RUNTIME_EXPORTS,
  type RuntimeExport,
  type RuntimeExportName,
  type RuntimeHandlerName,
} from "../../src/contract/runtime-exports.ts";
import {
  type Answer,
  collectHandlerAnswers,
  collectPolicyAnswers,
  describeAnswers,
  HANDLER_FILES,
  problemCodes,
  REJECTION_FILES,
} from "./policy-reference/answers.ts";
import { createExample, createProject, ENTRIES } from "./policy-reference/examples.ts";
import { code, jsonBlock, table } from "./policy-reference/markdown.ts";
import { describeOptions } from "./policy-reference/option-table.ts";
import { describeProjectFiles } from "./policy-reference/project-files.ts";
import { countChecksWithoutRefusal, describeRefusals } from "./policy-reference/refusals.ts";
import { loadSourceTypes, type SourceTypes } from "./policy-reference/source-types.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const NAMES = Object.keys(RUNTIME_EXPORTS) as RuntimeExportName[];
const POLICY_FILES = listModules("src/policies");

const INTRODUCTION = `# Policies and handlers: reference

Made of the schemas that \`sallyport build\` and the gateway worker both validate with, of the comments at them and of the
answers in the code. What the policies are for is in [policies.md](policies.md) and in the [README](../README.md).`;

const ANSWERS = `Answers are problem details (RFC 9457) with a \`code\`. Before the arrow stands the reason, behind it the hint. Both are in
the log, and in the answer in a \`development\` environment alone.

Options that are not valid with the variables that are set: those of a policy stop the whole project, and every request
gets 500 \`configuration_invalid\`; those of a handler stop its routes. A reason in italics is only named: its words
are those of whoever checked.`;

function listModules(folder: string): string[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`);
}

let types: SourceTypes;
let answers: Partial<Record<RuntimeExportName, Answer[]>>;

beforeAll(async () => {
  types = loadSourceTypes([...POLICY_FILES, ...listModules("src/handlers")]);
  const ofHandlers = Object.keys(HANDLER_FILES).map((name) => {
    return [name, collectHandlerAnswers(name as RuntimeHandlerName, types)];
  });
  answers = { ...(await collectPolicyAnswers(types)), ...Object.fromEntries(ofHandlers) };
});

function describeExport(name: RuntimeExportName): string[] {
  const { options, policyType }: RuntimeExport = RUNTIME_EXPORTS[name];
  const given = answers[name];
  const comment = (path: readonly string[]) => {
    const text = types.readOptionComment(name, path);
    if (text === undefined) throw new Error(`"${path.join(".")}" of ${name} has no comment in its schema`);
    return text;
  };
  return [
    policyType === undefined ? `### \`${name}\`` : `### \`${policyType}\``,
    policyType === undefined ? "" : `\`policyType\` \`${policyType}\`, export \`${name}\`.`,
    ENTRIES[name].introduction,
    jsonBlock(createExample(name)),
    describeOptions(options, comment),
    "Refused:",
    describeRefusals(name),
    given ? "Answers:" : (ENTRIES[name].withoutAnswers ?? ""),
    given ? describeAnswers(given) : "",
  ].filter((text) => text !== "");
}

/** Where a code comes from: the exports above, or a part of the gateway whose modules have it in them. */
const PARTS = { edge: "edge-shim/ingress", egress: "edge-shim/egress", "gateway worker": "src/gateway" };

function describeCodes(): string {
  const literals = Object.entries(PARTS).map(([part, folder]) => [part, listCodes(listModules(folder))] as const);
  const rows = (Object.keys(PROBLEMS) as ProblemCode[]).map((problem) => {
    const exports = NAMES.filter((name) => answers[name]?.some((answer) => answer.code === problem)).map(code);
    const parts = literals.filter(([, codes]) => codes.has(problem)).map(([part]) => part);
    if (exports.length + parts.length === 0) throw new Error(`nothing answers "${problem}"`);
    return [
      String(PROBLEMS[problem].status),
      code(problem),
      PROBLEMS[problem].title,
      [...exports, ...parts].join(", "),
    ];
  });
  return table(["status", "code", "title", "given by"], rows);
}

function listCodes(files: readonly string[]): Set<string> {
  const text = files.map((file) => readFileSync(join(REPOSITORY, file), "utf8")).join("\n");
  return new Set([...text.matchAll(/"([a-z_]+)"/g)].map(([, literal]) => literal ?? ""));
}

it("says what every policy and handler takes, refuses and answers", async () => {
  const ofKind = (isHandler: boolean) =>
    NAMES.filter((name) => (RUNTIME_EXPORTS[name].kind === "handler") === isHandler);
  const sections = [
    INTRODUCTION,
    "## Project files",
    ...describeProjectFiles(),
    "## Policies",
    ANSWERS,
    ...ofKind(false).flatMap(describeExport),
    "## Handlers",
    ...ofKind(true).flatMap(describeExport),
    "## Codes",
    describeCodes(),
  ];
  await expect(`${sections.join("\n\n")}\n`).toMatchFileSnapshot(join(REPOSITORY, "docs/policy-reference.md"));
});

describe.each(NAMES)("%s", (name) => {
  it("has an example that builds and loads", () => {
    const { policies, route } = createProject(name);
    const paths = { "/items/{id}": { get: { "x-zuplo-route": route } } };
    const routes = { openapi: "3.1.0", info: { title: "example", version: "1" }, paths };
    const log = { problems: [], warnings: [] };
    compileProject(
      { routes: [{ file: "config/routes.oas.json", value: routes }], policies: { file: "", value: { policies } } },
      log,
    );
    expect(log.problems.map(formatProblem)).toEqual([]);
    const schema: RuntimeExport["options"] = RUNTIME_EXPORTS[name].options;
    expect(validateOptions(schema, ENTRIES[name].options, VARIABLES)).toMatchObject({ ok: true });
  });

  it("has an example of what each check of its schema refuses", () => {
    expect(countChecksWithoutRefusal(name).silent).toBe(0);
  });
});

const VARIABLES = {
  CDN_SECRET: "0123456789abcdef0123456789abcdef",
  TEAM: "edge",
  ORIGIN_URL: "https://origin.example",
  ORIGIN_CERTIFICATE: "origin",
};

it("finds checks in schemas, so that there is something to be missing", () => {
  expect(countChecksWithoutRefusal("MTLSAuthInboundPolicy").all).toBeGreaterThanOrEqual(5);
});

it("leads to sections that are there", () => {
  const headings = readFileSync(join(REPOSITORY, "docs/policies.md"), "utf8").match(/^#+ .*/gm) ?? [];
  const anchors = headings.map((heading) => {
    const text = heading.replace(/^#+ /, "").toLowerCase();
    return text.replaceAll(/[^\w -]/g, "").replaceAll(" ", "-");
  });
  const introductions = Object.values(ENTRIES).map(({ introduction }) => introduction);
  const links = [...introductions.join(" ").matchAll(/policies\.md#([\w-]+)/g)].map(([, anchor]) => anchor);
  expect(links.length).toBeGreaterThan(0);
  expect(anchors).toEqual(expect.arrayContaining(links));
});

it("says of no policy that it gives no answer whose modules have a code in them", () => {
  const silent = NAMES.filter((name) => RUNTIME_EXPORTS[name].kind !== "handler" && !answers[name]);
  const modules = silent.map((name) => {
    const { policyType = "" }: RuntimeExport = RUNTIME_EXPORTS[name];
    const files = [policyType, policyType.replace(/-(?:in|out)bound$/, "")].map((file) => `src/policies/${file}.ts`);
    return files.filter((file) => POLICY_FILES.includes(file));
  });
  expect(modules.map((files) => files.length)).toEqual(silent.map(() => 1));
  expect(modules.flat().flatMap((file) => problemCodes(types.findLiterals(file, "src/policies/")))).toEqual([]);
});

it("tells every code that is in the policies' modules, and only those", () => {
  const inModules = problemCodes(
    new Set(POLICY_FILES.flatMap((file) => [...types.findLiterals(file, "src/policies/")])),
  );
  const rejecting = Object.keys(REJECTION_FILES) as RuntimeExportName[];
  const told = new Set(rejecting.flatMap((name) => answers[name]?.map((answer) => answer.code) ?? []));
  expect(problemCodes(told)).toEqual(inModules);
});
