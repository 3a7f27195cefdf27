/** What the tests of the way out share: the egress's variables, workers with one route, and the mirror's answer. */
import type { EgressCall } from "../../src/contract/egress.ts";
import type { ProjectModules } from "../../src/contract/project.ts";
import type { RequestHandler } from "../../src/runtime/context.ts";
import { project, route, startWorker, type TestWorker } from "./support.ts";

export const EGRESS_VARIABLES = {
  SALLYPORT_ENVIRONMENT: "development",
  SALLYPORT_EGRESS_URL: "http://127.0.0.1:9999",
  SALLYPORT_EGRESS_TOKEN: "a-token-of-this-test",
  SALLYPORT_EGRESS_PROJECT: "local/example",
};

/** What an origin of vitest.config.ts says about the request that it got. */
export interface Mirrored {
  method: string;
  /** What was asked for: behind the egress the target */
  url: string;
  isEgress: boolean;
  /** What the worker asked the egress for */
  call?: EgressCall;
  headers: Record<string, string>;
  body: string;
}

type HandlerParts = { export: string; options: Record<string, string | number | boolean> } | RequestHandler;

/** A worker with one handler at `path`, for every method of the tests. */
export function startHandler(
  handler: HandlerParts,
  variables: Record<string, unknown> = EGRESS_VARIABLES,
  path = "/*",
): TestWorker {
  const isFunction = typeof handler === "function";
  const modules: ProjectModules = { "./modules/handler": { default: isFunction ? handler : undefined } };
  const reference = isFunction
    ? { module: "./modules/handler", export: "default" }
    : { module: "@zuplo/runtime", ...handler };
  const pathMode = path.includes("*") ? "url-pattern" : "open-api";
  const routes = ["GET", "POST", "PUT"].map((method) => route(path, { method, handler: reference, pathMode }));
  return startWorker(project({ routes }), modules, { variables });
}
