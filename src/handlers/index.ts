/** The runtime's handlers by the export name that project files use. Kept complete by the type of the table. */
import type { z } from "zod";
import {
  findOptionIssues,
  type OptionIssue,
  type Variables,
  validateOptions,
} from "../contract/policy-options/validate-options.ts";
import type { JsonObject } from "../contract/project.ts";
import { RUNTIME_EXPORTS, type RuntimeHandlerName } from "../contract/runtime-exports.ts";
import type { RouteHandler } from "../gateway/exchange.ts";
import { ConfigurationError } from "../runtime/errors.ts";
import { compileRedirect } from "./redirect.ts";
import { compileUrlForward } from "./url-forward.ts";
import { compileUrlRewrite } from "./url-rewrite.ts";

export type CompiledHandler = { ok: true; handler: RouteHandler } | { ok: false; issues: OptionIssue[] };

type RuntimeHandler = (options: JsonObject, variables: Variables) => CompiledHandler;

/**
 * What is wrong whatever the variables are stops the whole project, as it stops the build. What is wrong because of
 * them stops the one route: a gateway without an origin's address still serves its other routes, and this one fails.
 */
function runtimeHandler<Options>(
  { options: schema }: { options: z.ZodType<Options>; kind: "handler" },
  compileHandler: (options: Options, variables: Variables) => CompiledHandler,
): RuntimeHandler {
  return function compileRuntimeHandler(raw, variables) {
    const issues = findOptionIssues(schema, raw);
    if (issues.length > 0) return { ok: false, issues };
    const validated = validateOptions(schema, raw, variables);
    const compiled = validated.ok ? compileHandler(validated.options, variables) : validated;
    return compiled.ok ? compiled : { ok: true, handler: createFailingHandler(compiled.issues) };
  };
}

function createFailingHandler(issues: readonly OptionIssue[]): RouteHandler {
  const problems = issues.map(({ path, message }) => `${["options", ...path].join(".")}: ${message}`);
  return function failingHandler() {
    throw new ConfigurationError(problems.join("\n"));
  };
}

const runtimeHandlers: Record<RuntimeHandlerName, RuntimeHandler> = {
  urlForwardHandler: runtimeHandler(RUNTIME_EXPORTS.urlForwardHandler, compileUrlForward),
  urlRewriteHandler: runtimeHandler(RUNTIME_EXPORTS.urlRewriteHandler, compileUrlRewrite),
  redirectHandler: runtimeHandler(RUNTIME_EXPORTS.redirectHandler, compileRedirect),
};

export function findRuntimeHandler(exportName: string): RuntimeHandler | undefined {
  return Object.hasOwn(runtimeHandlers, exportName) ? runtimeHandlers[exportName as RuntimeHandlerName] : undefined;
}
