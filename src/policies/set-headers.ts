/**
 * `set-headers-inbound` and `set-headers-outbound`: fixed headers on the request or on the response.
 *
 * @example "options": { "headers": [{ "name": "x-team", "value": "$env(TEAM)", "overwrite": false }] }
 */
import type { SetHeadersOptions } from "../contract/policy-options/headers.ts";
import type { InboundPolicy, OutboundPolicy } from "../gateway/exchange.ts";
import { changeHeaders } from "../gateway/response.ts";

export function compileSetHeadersInbound(options: SetHeadersOptions): InboundPolicy {
  return function setHeadersInbound(request) {
    setHeaders(request.headers, options);
    return request;
  };
}

export function compileSetHeadersOutbound(options: SetHeadersOptions): OutboundPolicy {
  return function setHeadersOutbound(response) {
    return changeHeaders(response, (headers) => setHeaders(headers, options));
  };
}

function setHeaders(target: Headers, { headers }: SetHeadersOptions): void {
  for (const { name, value, overwrite } of headers) {
    if (overwrite || !target.has(name)) target.set(name, value);
  }
}
