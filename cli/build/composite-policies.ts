/** Policies that consist of other policies: each part exists, is of the same kind, and none contains itself. */
import { hasEnvSelector } from "../../src/contract/project-files/selectors.ts";
import { describeKind } from "./module-references.ts";
import type { CompiledPolicy } from "./policies.ts";
import { below, report } from "./problem.ts";

const COMPOSITE_TYPES: ReadonlySet<string> = new Set(["composite-inbound", "composite-outbound"]);

/** Deeper is a mistake, and would overflow the stack of whoever follows it. */
const COMPOSITE_MAX_DEPTH = 16;

type Policies = ReadonlyMap<string, CompiledPolicy>;

export function reportCompositeProblems(policies: Policies): void {
  for (const composite of policies.values()) {
    partsOf(composite).forEach((name, index) => {
      const problem = findPartProblem(name, composite, policies);
      if (problem !== undefined) report(below(composite.place, "handler", "options", "policies", index), problem);
    });
  }
  reportCycles(policies);
}

function findPartProblem(name: string, composite: CompiledPolicy, policies: Policies): string | undefined {
  if (hasEnvSelector(name)) return `"${name}" is out of place, the parts of a composite policy are named in the file`;
  const part = policies.get(name);
  if (part === undefined) return `"${name}" is not a policy, found ${[...policies.keys()].join(", ")}`;
  if (part.kind === undefined || composite.kind === undefined || part.kind === composite.kind) return undefined;
  return `"${name}" is ${describeKind(part.kind)}, expected: ${describeKind(composite.kind)}`;
}

/** Depth first; a policy that is met again on the way down closes a cycle, which is told once. */
function reportCycles(policies: Policies): void {
  const done = new Set<string>();
  for (const name of policies.keys()) descend(name, []);

  function descend(name: string, trail: readonly string[]): void {
    const policy = policies.get(name);
    if (policy === undefined || done.has(name)) return;
    const problem = findTrailProblem(name, trail);
    if (problem !== undefined) {
      report(below(policy.place, "handler", "options", "policies"), problem);
      return;
    }
    for (const part of partsOf(policy)) descend(part, [...trail, name]);
    done.add(name);
  }
}

function findTrailProblem(name: string, trail: readonly string[]): string | undefined {
  const start = trail.indexOf(name);
  if (start !== -1) return `"${name}" contains itself: ${[...trail.slice(start), name].join(" → ")}`;
  return trail.length < COMPOSITE_MAX_DEPTH
    ? undefined
    : `"${name}" is nested too deeply, allowed: ${COMPOSITE_MAX_DEPTH} levels`;
}

function partsOf({ definition }: CompiledPolicy): string[] {
  if (definition === undefined || !COMPOSITE_TYPES.has(definition.policyType)) return [];
  const parts = definition.handler.options?.policies;
  return Array.isArray(parts) ? parts.filter((part) => typeof part === "string") : [];
}
