/** What `urlForwardHandler` and `urlRewriteHandler` have in common: all but what becomes of the request's path. */
import type { ForwardingOptions } from "../contract/handler-options/forwarding.ts";
import type { Variables } from "../contract/policy-options/validate-options.ts";
import type { RouteHandler } from "../gateway/exchange.ts";
import { HttpProblems } from "../runtime/http-problems.ts";
import { compileForwardRequest, presentsCertificate } from "./forward-request.ts";
import type { CompiledHandler } from "./index.ts";
import { compileUrlTemplate } from "./url-template.ts";

interface TargetOption {
  name: string;
  template: string;
  /** The path of the request follows the one of the template */
  appendsPath: boolean;
}

export function compileForwarding(
  { name, template, appendsPath }: TargetOption,
  options: ForwardingOptions,
  variables: Variables,
): CompiledHandler {
  const compiled = compileUrlTemplate(template, variables, presentsCertificate(options));
  if (!compiled.ok) return { ok: false, issues: [{ path: [name], message: compiled.message }] };
  const forward = compileForwardRequest(options);

  const handler: RouteHandler = async function forwardHandler(request, exchange) {
    const { context } = exchange;
    const url = new URL(request.url);
    const target = compiled.evaluate(request, context, url);
    if (!target) return HttpProblems.badRequest(request, context, { code: "bad_request", detail: UNFIT_URL });
    if (appendsPath) target.pathname = target.pathname.replace(/\/$/, "") + url.pathname;
    if (options.forwardSearch) appendSearch(target, url.search);
    return forward(request, target, exchange);
  };
  return { ok: true, handler };
}

const UNFIT_URL = "The request cannot be forwarded: its values do not make a URL of this route";

function appendSearch(target: URL, search: string): void {
  if (search !== "") target.search = target.search === "" ? search : `${target.search}&${search.slice(1)}`;
}
