/**
 * Turns the policies of `config/policies.json` into functions, options validated and compiled. A function of the user
 * can stand on either side of a route; a policy of the runtime has its side.
 */
import { resolveVariables, type Variables } from "../contract/policy-options/validate-options.ts";
import type { PolicyDefinition, ProjectModules } from "../contract/project.ts";
import { RUNTIME_MODULES } from "../contract/project-files/selectors.ts";
import { compositeReferences, findRuntimePolicy } from "../policies/index.ts";
import type { InboundPolicyHandler, OutboundPolicyHandler } from "../runtime/context.ts";
import type { InboundPolicy, OutboundPolicy } from "./exchange.ts";
import { describeReference, findUserExport } from "./module-exports.ts";

export interface CompiledPolicies {
  readonly inbound: Map<string, InboundPolicy>;
  readonly outbound: Map<string, OutboundPolicy>;
  /** Also the policies that did not compile, so that each mistake is reported once */
  readonly names: { readonly inbound: Set<string>; readonly outbound: Set<string> };
}

export function compilePolicies(
  definitions: readonly PolicyDefinition[],
  modules: ProjectModules,
  variables: Variables,
  problems: string[],
): CompiledPolicies {
  const compiled: CompiledPolicies = {
    inbound: new Map(),
    outbound: new Map(),
    names: { inbound: new Set(), outbound: new Set() },
  };
  const seen = new Set<string>();
  for (const definition of definitions) {
    if (seen.has(definition.name)) problems.push(`policy "${definition.name}": the name is taken already`);
    seen.add(definition.name);
    if (RUNTIME_MODULES.some((name) => name === definition.handler.module)) {
      compileRuntimePolicy(definition, variables, compiled, problems);
    } else {
      compileUserPolicy(definition, modules, variables, compiled, problems);
    }
  }
  problems.push(...findCompositeProblems(definitions, compiled));
  return compiled;
}

function compileRuntimePolicy(
  definition: PolicyDefinition,
  variables: Variables,
  compiled: CompiledPolicies,
  problems: string[],
): void {
  const { name, handler } = definition;
  const policy = findRuntimePolicy(handler.export);
  if (!policy) {
    problems.push(`policy "${name}": ${describeReference(handler)} is not a policy`);
    return;
  }
  compiled.names[policy.side].add(name);
  const result = policy.compile(name, handler.options ?? {}, variables);
  if (!result.ok) {
    for (const { path, message } of result.issues) {
      problems.push(`policy "${name}": ${["options", ...path].join(".")}: ${message}`);
    }
  } else if (result.side === "inbound") compiled.inbound.set(name, result.policy);
  else compiled.outbound.set(name, result.policy);
}

function compileUserPolicy(
  definition: PolicyDefinition,
  modules: ProjectModules,
  variables: Variables,
  compiled: CompiledPolicies,
  problems: string[],
): void {
  const { name, handler } = definition;
  compiled.names.inbound.add(name);
  compiled.names.outbound.add(name);
  const found = findUserExport(handler, modules);
  if (typeof found !== "function") {
    problems.push(`policy "${name}": ${describeReference(handler)} is not a function`);
    return;
  }
  const options = resolveVariables(handler.options ?? {}, variables);
  const inbound = found as InboundPolicyHandler;
  const outbound = found as OutboundPolicyHandler;
  compiled.inbound.set(name, (request, { context }) => inbound(request, context, options, name));
  compiled.outbound.set(name, (response, request, { context }) => outbound(response, request, context, options, name));
}

/** A composite policy that names nothing, or itself by way of others, would fail on the first request. */
function findCompositeProblems(definitions: readonly PolicyDefinition[], { names }: CompiledPolicies): string[] {
  const references = new Map(definitions.map((definition) => [definition.name, compositeReferences(definition)]));
  const unknown = [...references].flatMap(([name, targets]) =>
    targets
      .filter((target) => !names.inbound.has(target))
      .map((target) => `policy "${name}": "${target}" is not an inbound policy of config/policies.json`),
  );
  const circular = [...references.keys()]
    .filter((name) => reaches(name, name, references, new Set()))
    .map((name) => `policy "${name}": runs itself by way of its own policies`);
  return [...unknown, ...circular];
}

function reaches(
  from: string,
  target: string,
  references: ReadonlyMap<string, readonly string[]>,
  visited: Set<string>,
): boolean {
  return (references.get(from) ?? []).some((next) => {
    if (next === target) return true;
    if (visited.has(next)) return false;
    visited.add(next);
    return reaches(next, target, references, visited);
  });
}
