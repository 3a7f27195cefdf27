/** Compiles `config/policies.json`: policies with their references resolved, composites without cycles, CORS policies. */
import type { CorsPolicyDefinition, JsonValue, PolicyDefinition } from "../../src/contract/project.ts";
import {
  BUILT_IN_CORS_POLICIES,
  corsPolicySchema,
  policiesFileSchema,
  policySchema,
} from "../../src/contract/project-files/policies-file.ts";
import { reportCompositeProblems } from "./composite-policies.ts";
import { reportMisplacedSelectors } from "./environment-selectors.ts";
import { type ExportKind, type ModuleUse, resolveReference } from "./module-references.ts";
import { below, type Place, report } from "./problem.ts";
import { validate } from "./validate.ts";

export const POLICIES_FILE = "config/policies.json";

/** The policy types of the project's own code, and where each can stand. */
const CUSTOM_CODE: ReadonlyMap<string, ExportKind> = new Map([
  ["custom-code-inbound", "inbound-policy"],
  ["custom-code-outbound", "outbound-policy"],
]);

export interface CompiledPolicy {
  place: Place;
  /** Undefined when the policy has problems of its own: then nothing more is said about it */
  kind: ExportKind | undefined;
  definition: PolicyDefinition | undefined;
}

export interface CompiledPolicies {
  /** Every name that is defined, in document order, broken ones included */
  policies: ReadonlyMap<string, CompiledPolicy>;
  corsPolicies: CorsPolicyDefinition[];
  /** Every CORS policy that a route may name, broken ones included */
  corsNames: ReadonlySet<string>;
}

export function compilePolicies(value: JsonValue, place: Place, uses: ModuleUse[]): CompiledPolicies {
  const file = validate(policiesFileSchema, value, place) ?? { policies: [], corsPolicies: [] };
  const policies = new Map<string, CompiledPolicy>();
  file.policies.forEach((entry, index) => {
    const here = below(place, "policies", index);
    const policy = compilePolicy(entry, here, uses);
    const name = claimName(entry, here, (taken) => policies.get(taken)?.place);
    if (name !== undefined) policies.set(name, policy);
  });
  reportCompositeProblems(policies);
  return { policies, ...compileCorsPolicies(file.corsPolicies, below(place, "corsPolicies")) };
}

function compilePolicy(entry: unknown, place: Place, uses: ModuleUse[]): CompiledPolicy {
  reportMisplacedSelectors(entry, place);
  const broken: CompiledPolicy = { place, kind: undefined, definition: undefined };
  const policy = validate(policySchema, entry, place);
  if (policy === undefined) return broken;
  const { name, policyType } = policy;
  const resolved = resolveReference(
    policy.handler,
    below(place, "handler"),
    ["inbound-policy", "outbound-policy"],
    uses,
  );
  if (resolved === undefined) return broken;
  const { runtimeExport, reference } = resolved;
  const types = runtimeExport === undefined ? [...CUSTOM_CODE.keys()] : [runtimeExport.policyType ?? ""];
  if (!types.includes(policyType)) {
    const whose = runtimeExport === undefined ? "a module of the project" : reference.export;
    report(below(place, "policyType"), `"${policyType}" is not the type of ${whose}, expected: ${types.join(", ")}`);
    return broken;
  }
  const kind = runtimeExport?.kind ?? CUSTOM_CODE.get(policyType);
  return { place, kind, definition: { name, policyType, handler: reference } };
}

/** The entry's name, if it has one and nobody before it took it. */
function claimName(entry: unknown, place: Place, findTaken: (name: string) => Place | undefined): string | undefined {
  const name = typeof entry === "object" && entry !== null && "name" in entry ? entry.name : undefined;
  if (typeof name !== "string") return undefined;
  const taken = findTaken(name);
  if (taken === undefined) return name;
  report(
    below(place, "name"),
    `"${name}" is the name of another policy already, found at index ${String(taken.path.at(-1))}`,
  );
  return undefined;
}

function compileCorsPolicies(
  entries: readonly unknown[],
  place: Place,
): Pick<CompiledPolicies, "corsPolicies" | "corsNames"> {
  const named = new Map<string, Place>();
  const corsPolicies = entries.flatMap((entry, index) => {
    const here = below(place, index);
    reportMisplacedSelectors(entry, here);
    const { maxAge, ...policy } = validate(corsPolicySchema, entry, here) ?? { name: undefined };
    const name = claimName(entry, here, (taken) => named.get(taken));
    if (name !== undefined) named.set(name, here);
    return policy.name === undefined ? [] : [{ ...policy, ...(maxAge === undefined ? {} : { maxAge }) }];
  });
  return { corsPolicies, corsNames: new Set([...BUILT_IN_CORS_POLICIES, ...named.keys()]) };
}
