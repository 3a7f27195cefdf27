/**
 * The life of a request, in order: pre-routing hooks, route, CORS preflight, request hooks, inbound policies, handler,
 * outbound policies, response hooks, our headers, final hooks. Whatever user code throws ends as one 500.
 */
import { REQUEST_ID_HEADER, ROUTE_HEADER, ZUPLO_REQUEST_ID_HEADER } from "../contract/headers.ts";
import { serveAsCurrent } from "../runtime/current-request.ts";
import type { Tracing } from "../tracing/tracing.ts";
import { admitRequest, readRequestId } from "./admit-request.ts";
import type { ClientCertificateSource, Identification } from "./client-certificate-source.ts";
import type { CompiledProject, CompiledRoute } from "./compile-project.ts";
import { Exchange } from "./exchange.ts";
import { refuseUrl, respondToFailure, respondWithProblem } from "./problem-response.ts";
import { addHeaders, toResponse, withoutBody } from "./response.ts";
import { adoptRequest, expectResponse, runInboundPolicy, runOutboundPolicy } from "./run-policy.ts";

export interface Gateway {
  project: CompiledProject;
  isDevelopment: boolean;
  /** Everything wrong with project and variables; not empty: nothing is served */
  problems: readonly string[];
  identify: ClientCertificateSource;
  /** Somebody will want to know which request it is that leaves: to know costs 10 µs of a request, measured */
  hasEgress: boolean;
  /** Undefined where spans are not recorded */
  tracing: Promise<Tracing | undefined> | undefined;
  now: () => Date;
}

export async function handleRequest(
  incoming: Request,
  gateway: Gateway,
  executionContext: Pick<ExecutionContext, "waitUntil">,
): Promise<Response> {
  const identification = await gateway.identify(incoming, gateway.now());
  const requestId = readRequestId(incoming, identification.isFromEdge);
  const request = admitRequest(incoming, identification);
  if (!request) return addHeaders(refuseUrl(requestId, gateway.project.buildId, gateway.now()), idHeaders(requestId));
  const tracing = gateway.tracing === undefined ? undefined : await gateway.tracing;
  const trace = tracing?.startRequest(incoming, requestId, executionContext);
  const exchange = new Exchange({ ...gateway, identification, request, requestId, trace, executionContext });
  if (identification.warning !== undefined)
    exchange.context.log.warn("edge assertion refused", { reason: identification.warning });
  const serveIncoming = () => answer(incoming, gateway, exchange, identification);
  return gateway.hasEgress || trace !== undefined ? serveAsCurrent(exchange, serveIncoming) : serveIncoming();
}

async function answer(
  incoming: Request,
  { problems }: Gateway,
  exchange: Exchange,
  { isFromEdge }: Identification,
): Promise<Response> {
  const origin = incoming.headers.get("origin");
  const produced = await (problems.length === 0 ? serve(exchange) : refuseToServe(exchange, problems)).catch(
    (error: unknown) => respondToFailure(exchange, error),
  );
  const response = addHeaders(incoming.method === "HEAD" ? withoutBody(produced) : produced, [
    ...idHeaders(exchange.requestId),
    ...(isFromEdge ? routeHeader(exchange) : []),
    ...(exchange.cors?.responseHeaders(origin) ?? []),
  ]);
  await runFinalHooks(exchange, response);
  exchange.trace?.end(response.status);
  return response;
}

function idHeaders(requestId: string): [name: string, value: string][] {
  return [
    [REQUEST_ID_HEADER, requestId],
    [ZUPLO_REQUEST_ID_HEADER, requestId],
  ];
}

function routeHeader({ route }: Exchange): [name: string, value: string][] {
  return route.path === "" ? [] : [[ROUTE_HEADER, encodeURI(route.path)]];
}

function refuseToServe(exchange: Exchange, problems: readonly string[]): Promise<Response> {
  exchange.context.log.error("configuration invalid", { problems });
  return respondWithProblem(exchange, "configuration_invalid", {
    detail: "The gateway's configuration is invalid",
    explanation: { reason: problems.join("\n"), hint: "correct every point and run sallyport build" },
  });
}

async function serve(exchange: Exchange): Promise<Response> {
  let response = await produceResponse(exchange);
  for (const hook of [...exchange.responseSendingHooks, ...exchange.project.responseSendingHooks]) {
    response = expectResponse(await hook(response, exchange.request, exchange.context), "a response sending hook");
  }
  return response;
}

async function produceResponse(exchange: Exchange): Promise<Response> {
  for (const hook of exchange.project.preRoutingHooks) {
    exchange.request = adoptRequest(await hook(exchange.request), exchange.request, "a pre-routing hook");
  }
  const { request, project } = exchange;
  const { pathname } = new URL(request.url);
  const preflight = answerPreflight(exchange, pathname);
  if (preflight) return preflight;
  const match = project.routes.match(request.method, pathname);
  switch (match.kind) {
    case "found":
      request.params = match.params;
      exchange.route = match.route.configuration;
      exchange.cors = match.route.cors;
      exchange.trace?.describeRoute(match.route.definition);
      return serveRoute(match.route, exchange);
    case "method_not_allowed":
      return respondWithProblem(exchange, "method_not_allowed", {
        detail: `The path does not support ${request.method}`,
        headers: { allow: match.allowed.join(", ") },
      });
    case "not_found":
      return project.notFoundHandler
        ? expectResponse(await project.notFoundHandler(request, exchange.context), "notFoundHandler")
        : respondWithProblem(exchange, "not_found", { detail: "No route matches this path" });
  }
}

/** Fetch standard, section 3.2.2: a preflight names the method of the request that it asks for. */
function answerPreflight({ request, project }: Exchange, pathname: string): Response | undefined {
  const origin = request.headers.get("origin");
  const method = request.headers.get("access-control-request-method");
  if (request.method !== "OPTIONS" || origin === null || method === null) return undefined;
  const match = project.routes.match(method, pathname);
  if (match.kind !== "found" || !match.route.cors) return undefined;
  const requestedHeaders = request.headers.get("access-control-request-headers");
  return new Response(null, { status: 204, headers: match.route.cors.preflightHeaders(origin, requestedHeaders) });
}

async function serveRoute(route: CompiledRoute, exchange: Exchange): Promise<Response> {
  const refusal = await runInbound(route, exchange);
  if (refusal) return refusal;
  let response = await runHandler(route, exchange);
  for (const name of route.outbound) response = await runOutboundPolicy(name, response, exchange.request, exchange);
  return response;
}

/** Request hooks, then the route's inbound policies. The first `Response` ends it. */
async function runInbound(route: CompiledRoute, exchange: Exchange): Promise<Response | undefined> {
  for (const hook of exchange.project.requestHooks) {
    const result = await hook(exchange.request, exchange.context);
    if (result instanceof Response) return result;
    exchange.request = adoptRequest(result, exchange.request, "a request hook");
  }
  for (const name of route.inbound) {
    const result = await runInboundPolicy(name, exchange.request, exchange);
    if (result instanceof Response) return result;
    exchange.request = result;
  }
  return undefined;
}

/** A handler that throws still has outbound policies: they run on every status. */
async function runHandler(route: CompiledRoute, exchange: Exchange): Promise<Response> {
  try {
    return toResponse(await route.handler(exchange.request, exchange));
  } catch (error) {
    return respondToFailure(exchange, error);
  }
}

/** They see what is sent; what they throw is logged and changes nothing. */
async function runFinalHooks(exchange: Exchange, response: Response): Promise<void> {
  for (const hook of exchange.finalHooks) {
    try {
      await hook(response, exchange.request, exchange.context);
    } catch (error) {
      exchange.context.log.error("a final response hook failed", error);
    }
  }
}
