/**
 * What is said of a request while spans are recorded, without a word of who records them: where nobody does, nothing of
 * OpenTelemetry is loaded (tracing.ts), and a request costs one comparison.
 */
import type { RouteDefinition } from "../contract/project.ts";
import type { RequestWithHeaders, SendRequest } from "../runtime/certificate-transport.ts";
import { OriginError } from "../runtime/errors.ts";

export interface RequestTrace {
  /** 32 hexadecimal digits, as in the logs */
  readonly traceId: string;
  /** Says whose child comes next, in place of what `headers` said (W3C Trace Context). */
  writeTo(headers: Headers): void;
  describeRoute(route: RouteDefinition): void;
  /** A request that presents a certificate leaves, with this trace in its headers. */
  startFetch(request: RequestWithHeaders, certificate: unknown): FetchTrace;
  /** @param status of the answer, whose body may still be on its way */
  end(status: number): void;
}

export interface FetchTrace {
  answered(status: number): void;
  /** @param reason a code or the name of an error, never its message: that may hold what the caller wrote */
  failed(reason: string): void;
}

/** `send` itself where nothing is traced. */
export function traceSend(send: SendRequest, certificate: unknown, trace: RequestTrace | undefined): SendRequest {
  if (trace === undefined) return send;
  return async function sendTraced(request) {
    const { url, method, headers = new Headers(), body, signal = null } = request;
    const traced = { url, method, headers, body, signal };
    const fetchTrace = trace.startFetch(traced, certificate);
    try {
      const response = await send(traced);
      fetchTrace.answered(response.status);
      return response;
    } catch (error) {
      fetchTrace.failed(nameFailure(error));
      throw error;
    }
  };
}

function nameFailure(error: unknown): string {
  if (error instanceof OriginError) return error.code;
  return error instanceof Error ? error.name : "unknown";
}
