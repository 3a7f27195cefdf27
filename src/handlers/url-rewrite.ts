/**
 * `urlRewriteHandler`: makes another URL out of the request and hands the request on to it.
 *
 * @example
 * "handler": { "export": "urlRewriteHandler", "module": "$import(@zuplo/runtime)",
 *   "options": { "rewritePattern": "https://origin.example/v2/users/${params.id}" } }
 */
import type { UrlRewriteOptions } from "../contract/handler-options/url-rewrite.ts";
import type { Variables } from "../contract/policy-options/validate-options.ts";
import { compileForwarding } from "./forwarding.ts";
import type { CompiledHandler } from "./index.ts";

export function compileUrlRewrite(
  { rewritePattern, ...options }: UrlRewriteOptions,
  variables: Variables,
): CompiledHandler {
  return compileForwarding(
    { name: "rewritePattern", template: rewritePattern, appendsPath: false },
    options,
    variables,
  );
}
