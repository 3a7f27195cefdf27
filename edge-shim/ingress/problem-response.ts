/** The edge's own answers: RFC 9457 problem details over HTTP/1.1, HTTP/2, and on a socket that never became a request. */
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { REQUEST_ID_HEADER, ZUPLO_REQUEST_ID_HEADER } from "../../src/contract/headers.ts";
import {
  createProblem,
  DEVELOPMENT_ENVIRONMENT,
  PROBLEM_CONTENT_TYPE,
  PROBLEMS,
  type ProblemCode,
  type ProblemExplanation,
} from "../../src/contract/problem.ts";
import type { HttpResponse } from "../forwarding/messages.ts";

/** Seconds after which a client may try again when the worker is away */
const RETRY_AFTER_SECONDS = 1;

export interface EdgeProblem {
  code: ProblemCode;
  detail: string;
  /** Path of the request; `"/"` when it could not be read */
  path: string;
  requestId: string;
  /** Shown in a development environment only */
  explanation?: ProblemExplanation;
}

export interface ProblemWriter {
  /** Answers `response`, unless an answer has begun. */
  respond(response: HttpResponse, problem: EdgeProblem): void;
  /** Answers on a bare HTTP/1.1 socket and closes it. */
  respondRaw(socket: Duplex, problem: Omit<EdgeProblem, "path">): void;
}

export function createProblemWriter(environment: string, buildId: string): ProblemWriter {
  const isDevelopment = environment === DEVELOPMENT_ENVIRONMENT;

  function encode(problem: EdgeProblem): { headers: Record<string, string | number>; body: Buffer } {
    const document = createProblem(problem.code, {
      detail: problem.detail,
      instance: problem.path.split("?", 1)[0] as string,
      trace: { timestamp: new Date().toISOString(), requestId: problem.requestId, buildId },
      ...(isDevelopment && problem.explanation ? { explanation: problem.explanation } : {}),
    });
    const body = Buffer.from(JSON.stringify(document));
    const headers = {
      "content-type": PROBLEM_CONTENT_TYPE,
      "content-length": body.length,
      "cache-control": "no-store",
      [REQUEST_ID_HEADER]: problem.requestId,
      [ZUPLO_REQUEST_ID_HEADER]: problem.requestId,
      ...(document.status === 503 ? { "retry-after": RETRY_AFTER_SECONDS } : {}),
    };
    return { headers, body };
  }

  return {
    respond(response, problem) {
      if (response.headersSent || response.writableEnded) return;
      const { headers, body } = encode(problem);
      // What an answer that could not be written has left behind
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      (response as ServerResponse).writeHead(PROBLEMS[problem.code].status, headers).end(body);
    },
    respondRaw(socket, problem) {
      if (!socket.writable) return;
      const { headers, body } = encode({ path: "/", ...problem });
      const { status, title } = PROBLEMS[problem.code];
      const lines = Object.entries({ ...headers, connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${status} ${title}\r\n${lines.join("")}\r\n`), body]));
    },
  };
}
