/** The gateway's own answers. Why a check failed is only told in a development environment; the log always has it. */
import { createProblem, type ProblemCode, type ProblemExplanation } from "../contract/problem.ts";
import { createTrace, encodeProblem, sendProblem } from "../runtime/http-problems.ts";
import type { Exchange } from "./exchange.ts";

export interface ProblemParts {
  detail: string;
  explanation?: ProblemExplanation;
  headers?: HeadersInit;
}

export function respondWithProblem(exchange: Exchange, code: ProblemCode, parts: ProblemParts): Promise<Response> {
  const { request, context } = exchange;
  return sendProblem(request, context, { ...describeProblem(exchange, code, parts) }, parts.headers);
}

/** User code threw, or returned what it must not. Safe to call when the project's own problem format throws as well. */
export async function respondToFailure(exchange: Exchange, error: unknown): Promise<Response> {
  exchange.context.log.error("request failed", error instanceof Error ? error : { thrown: error });
  const parts: ProblemParts = {
    detail: "The request could not be served",
    explanation: {
      reason: error instanceof Error ? (error.stack ?? String(error)) : String(error),
      hint: "a function of the project threw, look for this request id in the worker's log",
    },
  };
  try {
    return await respondWithProblem(exchange, "handler_failed", parts);
  } catch (formatError) {
    exchange.context.log.error("problemResponseFormat failed", formatError);
    return encodeProblem({ ...describeProblem(exchange, "handler_failed", parts) });
  }
}

/** A request whose URL cannot be read never becomes an exchange: there is nothing that user code could be given. */
export function refuseUrl(requestId: string, buildId: string, now: Date): Response {
  const trace = { timestamp: now.toISOString(), requestId, buildId };
  const parts = { detail: "The request's URL or Host header is invalid", instance: "", trace };
  return encodeProblem({ ...createProblem("bad_request", parts) });
}

function describeProblem(exchange: Exchange, code: ProblemCode, { detail, explanation }: ProblemParts) {
  return createProblem(code, {
    detail,
    instance: new URL(exchange.request.url).pathname,
    trace: createTrace(exchange.context),
    ...(exchange.isDevelopment && explanation && { explanation }),
  });
}
