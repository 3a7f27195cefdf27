/**
 * `remove-headers-inbound` and `remove-headers-outbound`: headers that the handler, or the client, shall not see.
 *
 * @example "options": { "headers": ["x-powered-by", "server"] }
 */
import type { RemoveHeadersOptions } from "../contract/policy-options/headers.ts";
import type { InboundPolicy, OutboundPolicy } from "../gateway/exchange.ts";
import { changeHeaders } from "../gateway/response.ts";

export function compileRemoveHeadersInbound(options: RemoveHeadersOptions): InboundPolicy {
  return function removeHeadersInbound(request) {
    removeHeaders(request.headers, options);
    return request;
  };
}

export function compileRemoveHeadersOutbound(options: RemoveHeadersOptions): OutboundPolicy {
  return function removeHeadersOutbound(response) {
    return changeHeaders(response, (headers) => removeHeaders(headers, options));
  };
}

function removeHeaders(target: Headers, { headers }: RemoveHeadersOptions): void {
  for (const name of headers) target.delete(name);
}
