/** The entries of project files around a policy's and a handler's options. Their descriptions stand here, by their names. */
import type { z } from "zod";
import {
  BUILT_IN_CORS_POLICIES,
  corsPolicySchema,
  policySchema,
} from "../../../src/contract/project-files/policies-file.ts";
import { pathExtensionSchema, routeExtensionSchema } from "../../../src/contract/project-files/routes-file.ts";
import { parseImportSelector, RUNTIME_MODULES } from "../../../src/contract/project-files/selectors.ts";
import { code, prose, table } from "./markdown.ts";
import { type DescribeOption, describeOptions } from "./option-table.ts";

const MODULE_REFERENCE = {
  handler: "What runs: an export of a module, and its options",
  "handler.export": "Name of the export; `default` for a default export",
  "handler.module": "`$import(…)`, see below",
  "handler.options": "Those of the export, below; for a function of the project any JSON",
};

interface Entry {
  title: string;
  introduction: string;
  schema: z.ZodType;
  descriptions: Record<string, string>;
}

const ENTRIES: Entry[] = [
  {
    title: "A policy in `config/policies.json`",
    introduction: "An entry of `policies`.",
    schema: policySchema,
    descriptions: {
      name: "What routes and composite policies call it; no two policies have the same",
      policyType:
        "As below for the runtime's policies; `custom-code-inbound` or `custom-code-outbound` for a function of the project",
      ...MODULE_REFERENCE,
    },
  },
  {
    title: "A CORS policy in `config/policies.json`",
    introduction: `An entry of \`corsPolicies\`. ${BUILT_IN_CORS_POLICIES.map(code).join(" and ")} exist without one. A list may also be one string with commas.`,
    schema: corsPolicySchema,
    descriptions: {
      name: "What `corsPolicy` of a route says",
      allowedOrigins: "Origins of pages that may read the answers",
      allowedMethods: "For the answer to a preflight request",
      allowedHeaders: "For the answer to a preflight request",
      exposeHeaders: "Headers of the answer that a page may read",
      maxAge: "For how many seconds a browser may keep the answer to a preflight request",
      allowCredentials: "Whether a page may send its visitors' credentials; not beside `*` in `allowedOrigins`",
    },
  },
  {
    title: "`x-zuplo-path` of a path in `config/*.oas.json`",
    introduction: "May be left out.",
    schema: pathExtensionSchema,
    descriptions: { pathMode: "How the path is read: `/items/{id}`, or as a URLPattern, `/items/:id`" },
  },
  {
    title: "`x-zuplo-route` of an operation in `config/*.oas.json`",
    introduction: "Every operation has one.",
    schema: routeExtensionSchema,
    descriptions: {
      corsPolicy: "Name of a CORS policy",
      ...MODULE_REFERENCE,
      policies: "Names of policies",
      "policies.inbound": "Run before the handler, in this order",
      "policies.outbound": "Run after the handler, in this order",
    },
  },
];

/** Values of `module`, and what becomes of them. */
const SELECTORS = [
  ...RUNTIME_MODULES.map((module) => `$import(${module})`),
  "$import(./modules/hello)",
  "$import(./modules/hello.ts)",
  "$import(./config/hello)",
  "$import(./modules/../hello)",
  "./modules/hello",
];

function describeSelector(text: string): string {
  const selector = parseImportSelector(text);
  switch (selector.kind) {
    case "runtime":
      return "the runtime";
    case "user":
      return `the project's module \`${selector.module}\``;
    case "invalid":
      return `refused: ${prose(selector.reason)}`;
  }
}

const VARIABLES = `\`$env(NAME)\` may stand in the values of \`handler.options\`, and nowhere else. The build leaves it as it is; the worker
puts the variable's value there when it loads. Alone in a string it may also become a boolean or a number. A variable that
is not set leaves the option out, or is refused where a rule would vanish with it; inside a longer string it is empty.`;

/** @throws Error for a description that is missing, and for one of an option that is not there */
export function describeProjectFiles(): string[] {
  const sections = ENTRIES.flatMap(({ title, introduction, schema, descriptions }) => {
    const unused = new Set(Object.keys(descriptions));
    const describe: DescribeOption = (path) => {
      const name = path.join(".");
      const text = descriptions[name];
      if (text === undefined) throw new Error(`"${name}" of ${title} is not described`);
      unused.delete(name);
      return text;
    };
    const options = describeOptions(schema, describe);
    if (unused.size > 0) throw new Error(`${title} does not have ${[...unused].join(", ")}`);
    return [`### ${title}`, introduction, options];
  });
  const rows = SELECTORS.map((text) => [code(text), describeSelector(text)]);
  return [...sections, "### `$import(…)`", table(["`module`", ""], rows), "### `$env(…)`", VARIABLES];
}
