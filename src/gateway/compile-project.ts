/**
 * Turns a project definition into what requests are served with. Runs once at load and collects every problem: with
 * one or more the worker serves nothing, because a route whose policy is missing must not be open.
 */
import type { Variables } from "../contract/policy-options/validate-options.ts";
import type { ProjectDefinition, ProjectModules, RouteDefinition } from "../contract/project.ts";
import { RUNTIME_MODULES } from "../contract/project-files/selectors.ts";
import { findRuntimeHandler } from "../handlers/index.ts";
import type { RequestHandler, ResponseSendingHook, RouteConfiguration } from "../runtime/context.ts";
import type {
  NotFoundHandler,
  PreRoutingHook,
  ProblemResponseFormat,
  RequestHook,
  RuntimeExtensions,
} from "../runtime/runtime-extensions.ts";
import { type CompiledPolicies, compilePolicies } from "./compile-policies.ts";
import { ANYTHING_GOES, type CorsPolicy, compileCorsPolicy, findCorsProblem } from "./cors.ts";
import { describeRoute, type InboundPolicy, type OutboundPolicy, type RouteHandler } from "./exchange.ts";
import { describeReference, findUserExport } from "./module-exports.ts";
import { createRouteTable, type RouteTable } from "./route-table.ts";

const RUNTIME_MODULE_KEY = "./modules/zuplo.runtime";

export interface CompiledRoute {
  readonly definition: RouteDefinition;
  readonly configuration: RouteConfiguration;
  readonly cors: CorsPolicy | undefined;
  readonly handler: RouteHandler;
  readonly inbound: readonly string[];
  readonly outbound: readonly string[];
}

export interface CompiledProject {
  readonly buildId: string;
  readonly routes: RouteTable<CompiledRoute>;
  readonly inboundPolicies: ReadonlyMap<string, InboundPolicy>;
  readonly outboundPolicies: ReadonlyMap<string, OutboundPolicy>;
  readonly preRoutingHooks: readonly PreRoutingHook[];
  readonly requestHooks: readonly RequestHook[];
  readonly responseSendingHooks: readonly ResponseSendingHook[];
  readonly problemResponseFormat: ProblemResponseFormat | undefined;
  readonly notFoundHandler: NotFoundHandler | undefined;
  /** Everything that is wrong, for people. Not empty: serve nothing. */
  readonly problems: readonly string[];
}

export function compileProject(
  definition: ProjectDefinition,
  modules: ProjectModules,
  variables: Variables,
): CompiledProject {
  const problems: string[] = [];
  const policies = compilePolicies(definition.policies, modules, variables, problems);
  const cors = compileCorsPolicies(definition, problems);
  const routes = definition.routes.flatMap((route) => {
    const handler = compileHandler(route, modules, variables, problems);
    return compileRoute(route, handler, definition, policies, cors, problems) ?? [];
  });
  const extensions = initializeRuntime(modules, problems);
  return {
    buildId: definition.buildId,
    routes: compileRouteTable(routes, problems),
    inboundPolicies: policies.inbound,
    outboundPolicies: policies.outbound,
    ...extensions,
    problems,
  };
}

function compileCorsPolicies(definition: ProjectDefinition, problems: string[]): Map<string, CorsPolicy | undefined> {
  const policies = new Map<string, CorsPolicy | undefined>([["none", undefined]]);
  for (const policy of [ANYTHING_GOES, ...definition.corsPolicies]) {
    const problem = findCorsProblem(policy);
    if (problem !== undefined) problems.push(problem);
    policies.set(policy.name, compileCorsPolicy(policy));
  }
  return policies;
}

function compileRoute(
  route: RouteDefinition,
  handler: RouteHandler | undefined,
  definition: ProjectDefinition,
  policies: CompiledPolicies,
  cors: ReadonlyMap<string, CorsPolicy | undefined>,
  problems: string[],
): CompiledRoute | undefined {
  const place = describePlace(route);
  if (!cors.has(route.corsPolicy)) problems.push(`${place}: corsPolicy "${route.corsPolicy}" is not defined`);
  const { inbound, outbound } = route.policies;
  for (const name of inbound.filter((name) => !policies.names.inbound.has(name))) {
    problems.push(`${place}: "${name}" is not an inbound policy of config/policies.json`);
  }
  for (const name of outbound.filter((name) => !policies.names.outbound.has(name))) {
    problems.push(`${place}: "${name}" is not an outbound policy of config/policies.json`);
  }
  const samePath = definition.routes.filter((other) => other.path === route.path && other.pathMode === route.pathMode);
  const configuration = describeRoute(
    route,
    samePath.map((other) => other.method),
  );
  return handler && { definition: route, configuration, cors: cors.get(route.corsPolicy), handler, inbound, outbound };
}

/** A function of the project, or a handler of the runtime. Undefined after a problem was noted. */
function compileHandler(
  route: RouteDefinition,
  modules: ProjectModules,
  variables: Variables,
  problems: string[],
): RouteHandler | undefined {
  const { handler: reference } = route;
  if (RUNTIME_MODULES.includes(reference.module)) return compileRuntimeHandler(route, variables, problems);
  const found = findUserExport(reference, modules);
  if (typeof found === "function") {
    const handler = found as RequestHandler;
    return (request, { context }) => handler(request, context);
  }
  problems.push(`${describePlace(route)}: handler ${describeReference(reference)} is not a function`);
  return undefined;
}

function compileRuntimeHandler(
  route: RouteDefinition,
  variables: Variables,
  problems: string[],
): RouteHandler | undefined {
  const { handler: reference } = route;
  const place = describePlace(route);
  const compiled = findRuntimeHandler(reference.export)?.(reference.options ?? {}, variables);
  if (compiled?.ok) return compiled.handler;
  if (!compiled) problems.push(`${place}: ${describeReference(reference)} is not a handler`);
  for (const { path, message } of compiled?.issues ?? []) {
    problems.push(`${place}: ${["options", ...path].join(".")}: ${message}`);
  }
  return undefined;
}

function describePlace({ method, path }: RouteDefinition): string {
  return `route ${method} ${path}`;
}

function compileRouteTable(routes: readonly CompiledRoute[], problems: string[]): RouteTable<CompiledRoute> {
  const isUsable = ({ definition: { method, path, pathMode } }: CompiledRoute): boolean => {
    if (pathMode === "open-api" || isUrlPattern(path)) return true;
    problems.push(`route ${method} ${path}: "${path}" is not a URL pattern`);
    return false;
  };
  return createRouteTable(routes.filter(isUsable), (route) => route.definition);
}

function isUrlPattern(pathname: string): boolean {
  try {
    new URLPattern({ pathname });
    return true;
  } catch {
    return false;
  }
}

type Extensions = Pick<
  CompiledProject,
  "preRoutingHooks" | "requestHooks" | "responseSendingHooks" | "problemResponseFormat" | "notFoundHandler"
>;

/** Calls `runtimeInit` of `modules/zuplo.runtime.ts`, where there is one. */
function initializeRuntime(modules: ProjectModules, problems: string[]): Extensions {
  const preRoutingHooks: PreRoutingHook[] = [];
  const requestHooks: RequestHook[] = [];
  const responseSendingHooks: ResponseSendingHook[] = [];
  const runtime: RuntimeExtensions = {
    addPreRoutingHook: (hook) => void preRoutingHooks.push(hook),
    addRequestHook: (hook) => void requestHooks.push(hook),
    addResponseSendingHook: (hook) => void responseSendingHooks.push(hook),
  };
  const module = Object.hasOwn(modules, RUNTIME_MODULE_KEY) ? modules[RUNTIME_MODULE_KEY] : undefined;
  if (module) callRuntimeInit(module.runtimeInit, runtime, problems);
  const { problemResponseFormat, notFoundHandler } = runtime;
  return { preRoutingHooks, requestHooks, responseSendingHooks, problemResponseFormat, notFoundHandler };
}

function callRuntimeInit(runtimeInit: unknown, runtime: RuntimeExtensions, problems: string[]): void {
  const place = "modules/zuplo.runtime.ts";
  if (typeof runtimeInit !== "function") {
    problems.push(`${place}: "runtimeInit" is not an exported function`);
    return;
  }
  try {
    const result: unknown = runtimeInit(runtime);
    if (result instanceof Promise) {
      result.catch(() => {});
      problems.push(`${place}: "runtimeInit" is async, hooks that are added later would miss requests`);
    }
  } catch (error) {
    problems.push(`${place}: "runtimeInit" threw ${String(error)}`);
  }
}
