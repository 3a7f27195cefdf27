/** The gateway's own answers. Why a check failed is only told in a development environment; the log always has it. */
import type { EgressFailureCode } from "../contract/egress.ts";
import { createProblem, type ProblemCode, type ProblemExplanation } from "../contract/problem.ts";
import { ConfigurationError, OriginError } from "../runtime/errors.ts";
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

/** Something threw, or returned what it must not. Safe to call when the project's own problem format throws as well. */
export async function respondToFailure(exchange: Exchange, error: unknown): Promise<Response> {
  const { code, message, data, ...parts } = describeFailure(error);
  exchange.context.log.error(message, data);
  try {
    return await respondWithProblem(exchange, code, parts);
  } catch (formatError) {
    exchange.context.log.error("problemResponseFormat failed", formatError);
    return encodeProblem({ ...describeProblem(exchange, code, parts) });
  }
}

interface Failure extends ProblemParts {
  code: ProblemCode;
  /** For the log, with what belongs to it */
  message: string;
  data: unknown;
}

function describeFailure(error: unknown): Failure {
  if (error instanceof OriginError) {
    const { code, reason, hint, cause } = error;
    const data = { code, reason, hint, ...(cause !== undefined && { cause }) };
    return { code, message: "origin failed", data, detail: ORIGIN_DETAILS[code], explanation: { reason, hint } };
  }
  if (error instanceof ConfigurationError) {
    return {
      code: "configuration_invalid",
      message: "configuration invalid",
      data: error,
      detail: "The configuration of this route is invalid",
      explanation: { reason: error.message, hint: "correct the route's options, or set the variables that they name" },
    };
  }
  return {
    code: "handler_failed",
    message: "request failed",
    data: error instanceof Error ? error : { thrown: error },
    detail: "The request could not be served",
    explanation: {
      reason: error instanceof Error ? (error.stack ?? String(error)) : String(error),
      hint: "a function of the project threw, look for this request id in the worker's log",
    },
  };
}

/** They say what the code says: which check failed is told in development only. */
const ORIGIN_DETAILS: Record<EgressFailureCode, string> = {
  origin_tls_failed: "The TLS handshake with the origin failed",
  origin_certificate_untrusted: "The origin's certificate is not trusted",
  origin_client_certificate_rejected: "The origin rejected the client certificate",
  origin_unreachable: "The origin could not be reached",
  origin_timeout: "The origin did not answer in time",
  mtls_certificate_not_found: "The mTLS certificate of this route does not exist",
  mtls_certificate_disabled: "The mTLS certificate of this route is disabled here",
};

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
