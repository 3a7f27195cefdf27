/**
 * `composite-inbound`: runs inbound policies in order as one. The first `Response` ends it.
 *
 * @example "options": { "policies": ["mtls", "set-headers"] }
 */
import type { CompositeInboundOptions } from "../contract/policy-options/composite-inbound.ts";
import type { InboundPolicy } from "../gateway/exchange.ts";
import { runInboundPolicy } from "../gateway/run-policy.ts";

export function compileCompositeInbound({ policies }: CompositeInboundOptions): InboundPolicy {
  return async function compositeInbound(request, exchange) {
    let current = request;
    for (const name of policies) {
      const result = await runInboundPolicy(name, current, exchange);
      if (result instanceof Response) return result;
      current = result;
    }
    return current;
  };
}
