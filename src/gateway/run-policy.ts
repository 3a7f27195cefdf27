/** Runs one policy by name, and holds what user code returns to what it may return. */
import { ConfigurationError, RuntimeError } from "../runtime/errors.ts";
import { ZuploRequest } from "../runtime/request.ts";
import type { Exchange } from "./exchange.ts";

/** A policy that returns something else than a request or a response failed: the request does not go on. */
export async function runInboundPolicy(
  name: string,
  request: ZuploRequest,
  exchange: Exchange,
): Promise<ZuploRequest | Response> {
  const policy = exchange.project.inboundPolicies.get(name);
  if (!policy) throw new ConfigurationError(`"${name}" is not an inbound policy of config/policies.json`);
  const result = await policy(request, exchange);
  return result instanceof Response ? result : adoptRequest(result, request, `inbound policy "${name}"`);
}

export async function runOutboundPolicy(
  name: string,
  response: Response,
  request: ZuploRequest,
  exchange: Exchange,
): Promise<Response> {
  const policy = exchange.project.outboundPolicies.get(name);
  if (!policy) throw new ConfigurationError(`"${name}" is not an outbound policy of config/policies.json`);
  return expectResponse(await policy(response, request, exchange), `outbound policy "${name}"`);
}

/** A plain `Request` from user code keeps the parameters and the user of the one it replaces. */
export function adoptRequest(result: unknown, previous: ZuploRequest, producer: string): ZuploRequest {
  if (result instanceof ZuploRequest) return result;
  if (!(result instanceof Request)) {
    throw new RuntimeError(`${producer} returned ${describeValue(result)}, expected a Request or a Response`);
  }
  return new ZuploRequest(result, { params: previous.params, ...(previous.user && { user: previous.user }) });
}

export function expectResponse(result: unknown, producer: string): Response {
  if (result instanceof Response) return result;
  throw new RuntimeError(`${producer} returned ${describeValue(result)}, expected a Response`);
}

function describeValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return `an object of type ${value.constructor?.name ?? "Object"}`;
}
