/** What is wrong in `config/policies.json`, and with variables. */
import { describe, expect, test } from "vitest";
import {
  AT_ROUTE,
  findProblems,
  handler,
  mtlsPolicy,
  outboundPolicy,
  POLICIES,
  type ProjectFiles,
  ROUTES,
  route,
} from "./project-directory.ts";

function policies(...list: unknown[]): ProjectFiles {
  return { [POLICIES]: { policies: list }, [ROUTES]: route({}) };
}

function mtlsOptions(options: unknown): ProjectFiles {
  return policies({ ...mtlsPolicy, handler: { ...mtlsPolicy.handler, options } });
}

function composite(name: string, ...parts: unknown[]) {
  const options = { policies: parts };
  const runtime = { export: "CompositeInboundPolicy", module: "$import(@sallyport/runtime)", options };
  return { name, policyType: "composite-inbound", handler: runtime };
}

/** What is broken, the files that differ from the good project, and every line that the command then prints. */
const policyFiles: [string, ProjectFiles, string[]][] = [
  [
    "a policy whose name is taken",
    policies(mtlsPolicy, mtlsPolicy),
    [`${POLICIES}: policies[1].name: "mtls" is the name of another policy already, found at index 0`],
  ],
  [
    "a policy of another type than its export",
    policies({ ...mtlsPolicy, policyType: "mtls-auth" }),
    [
      `${POLICIES}: policies[0].policyType: "mtls-auth" is not the type of MTLSAuthInboundPolicy, expected: mtls-auth-inbound`,
    ],
  ],
  [
    "a policy of the project's own that does not say where it stands",
    policies({ ...outboundPolicy, policyType: "custom" }),
    [
      `${POLICIES}: policies[0].policyType: "custom" is not the type of a module of the project, expected: custom-code-inbound, custom-code-outbound`,
    ],
  ],
  [
    "an option of the wrong type, and one that does not exist",
    mtlsOptions({ allowUnauthenticatedRequests: "yes", certIssuerDn: "CN=a" }),
    [
      `${POLICIES}: policies[0].handler.options.allowUnauthenticatedRequests: "yes" is of the wrong type, expected: boolean`,
      `${POLICIES}: policies[0].handler.options: "certIssuerDn" is not a key here, allowed: allowUnauthenticatedRequests, certIssuerDN, certIssuerDNs, caCertificates, allow`,
    ],
  ],
  [
    "an unknown option deep inside",
    mtlsOptions({ certIssuerDN: "CN=a", allow: { san: [], sans: ["dns:a.test"] } }),
    [
      `${POLICIES}: policies[0].handler.options.allow: "san" is not a key here, allowed: sha256Fingerprints, subjectDNs, sans`,
    ],
  ],
  [
    "an issuer that is no name",
    mtlsOptions({ certIssuerDN: "example-ca" }),
    [
      expect.stringContaining(
        `${POLICIES}: policies[0].handler.options.certIssuerDN: "example-ca" is not a distinguished name`,
      ),
    ],
  ],
  [
    "an enforcing policy without an issuer",
    mtlsOptions({}),
    [expect.stringContaining(`${POLICIES}: policies[0].handler.options.certIssuerDN: "certIssuerDN" is missing`)],
  ],
  [
    "a composite with parts that do not fit",
    policies(composite("all", "nobody", "outbound", "$env(PART)"), outboundPolicy),
    [
      `${POLICIES}: policies[0].handler.options.policies[0]: "nobody" is not a policy, found all, outbound`,
      `${POLICIES}: policies[0].handler.options.policies[1]: "outbound" is an outbound policy, expected: an inbound policy`,
      `${POLICIES}: policies[0].handler.options.policies[2]: "$env(PART)" is out of place, the parts of a composite policy are named in the file`,
    ],
  ],
  [
    "a composite that contains itself",
    policies(composite("a", "b"), composite("b", "c", "a"), composite("c", "b")),
    [
      `${POLICIES}: policies[1].handler.options.policies: "b" contains itself: b → c → b`,
      `${POLICIES}: policies[0].handler.options.policies: "a" contains itself: a → b → a`,
    ],
  ],
  [
    "CORS policies that are wrong",
    {
      [POLICIES]: {
        policies: [mtlsPolicy],
        corsPolicies: [
          { name: "none", allowedOrigins: [] },
          { name: "all", allowedOrigins: ["*"], allowCredentials: true },
        ],
      },
    },
    [
      `${POLICIES}: corsPolicies[0].name: "none" is the name of a built-in CORS policy`,
      `${POLICIES}: corsPolicies[1].allowedOrigins: "*" cannot stand beside allowCredentials: every site could act with the credentials of its visitors`,
    ],
  ],
];

const selectors: [string, ProjectFiles, string[]][] = [
  [
    "a variable in a name",
    { [ROUTES]: route({ policies: { inbound: ["$env(POLICY)"] } }) },
    [
      `${AT_ROUTE}.policies.inbound[0]: "$env(POLICY)" is out of place, $env(…) is allowed in the values of options only`,
      `${AT_ROUTE}.policies.inbound[0]: "$env(POLICY)" is not a policy, found mtls, outbound in ${POLICIES}`,
    ],
  ],
  [
    "a variable in an operation id",
    { [ROUTES]: route({}, { operationId: "$env(ID)" }) },
    [
      `${ROUTES}: paths["/v1"].get.operationId: "$env(ID)" is out of place, $env(…) is allowed in the values of options only`,
    ],
  ],
  [
    "a variable in the key of an option",
    { [ROUTES]: route({ handler: { ...handler, options: { "$env(KEY)": 1 } } }) },
    [
      `${AT_ROUTE}.handler.options["$env(KEY)"]: "$env(KEY)" is out of place, $env(…) is allowed in the values of options only`,
    ],
  ],
  [
    "a selector that is not closed",
    { [ROUTES]: route({ handler: { ...handler, options: { url: "$env(HOST/path" } } }) },
    [
      `${AT_ROUTE}.handler.options.url: "$env(HOST/path" has a malformed selector, allowed: $env(NAME) with letters, digits and underscores`,
    ],
  ],
];

describe("policies", () => {
  test.each(policyFiles)("%s is a problem", async (_, changes, problems) => {
    expect(await findProblems(changes)).toEqual(problems);
  });
});

describe("$env(…)", () => {
  test.each(selectors)("%s is a problem", async (_, changes, problems) => {
    expect(await findProblems(changes)).toEqual(problems);
  });

  test("values that depend on a variable are left to the worker", async () => {
    const options = {
      allowUnauthenticatedRequests: "$env(OPEN)",
      certIssuerDN: "CN=$env(ISSUER)",
      allow: { sans: ["$env(SAN)"] },
    };
    expect(await findProblems(mtlsOptions(options))).toEqual([]);
  });

  test("what does not depend on a variable is judged all the same", async () => {
    expect(await findProblems(mtlsOptions({ certIssuerDN: "$env(ISSUER)", allowed: true }))).toHaveLength(1);
  });

  test("descriptions may speak of variables", async () => {
    expect(await findProblems({ [ROUTES]: route({}, { description: "see $env(HOST)" }) })).toEqual([]);
  });
});
