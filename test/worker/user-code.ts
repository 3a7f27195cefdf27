/** A worker with one route, around which the user's functions are: handler, policies, `runtimeInit`. */
import type { ProjectModules } from "../../src/contract/project.ts";
import type {
  InboundPolicyHandler,
  OutboundPolicyHandler,
  RequestHandler,
  RuntimeExtensions,
} from "../../src/runtime/index.ts";
import { echo, project, route, startWorker, userPolicy } from "./support.ts";

export const pass: InboundPolicyHandler = (request) => request;
export const keep: OutboundPolicyHandler = (response) => response;

export interface UserCode {
  handler?: RequestHandler;
  inbound?: InboundPolicyHandler;
  outbound?: OutboundPolicyHandler;
  runtimeInit?: (runtime: RuntimeExtensions) => void;
  variables?: Record<string, unknown>;
}

/** One route with one inbound and one outbound policy of the user. */
export function start({ handler = echo, inbound = pass, outbound = keep, runtimeInit, variables }: UserCode) {
  const modules: ProjectModules = {
    "./modules/handler": { default: handler },
    "./modules/policies": { inbound, outbound },
    ...(runtimeInit && { "./modules/zuplo.runtime": { runtimeInit } }),
  };
  const definition = project({
    routes: [route("/{id}", { inbound: ["inbound"], outbound: ["outbound"] })],
    policies: [userPolicy("inbound", { a: 1, b: "$env(NAME)-$env(UNSET)" }), userPolicy("outbound")],
  });
  return startWorker(definition, modules, variables ? { variables } : {});
}
