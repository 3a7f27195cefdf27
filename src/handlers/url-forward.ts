/**
 * `urlForwardHandler`: appends the path of the request to a base URL and hands the request on.
 *
 * @example
 * "handler": { "export": "urlForwardHandler", "module": "$import(@zuplo/runtime)",
 *   "options": { "baseUrl": "${env.ALB_BACKEND_URL}", "mtlsCertificate": "$env(ALB_MTLS_CERT)" } }
 */
import type { UrlForwardOptions } from "../contract/handler-options/url-forward.ts";
import type { Variables } from "../contract/policy-options/validate-options.ts";
import { compileForwarding } from "./forwarding.ts";
import type { CompiledHandler } from "./index.ts";

export function compileUrlForward({ baseUrl, ...options }: UrlForwardOptions, variables: Variables): CompiledHandler {
  return compileForwarding({ name: "baseUrl", template: baseUrl, appendsPath: true }, options, variables);
}
