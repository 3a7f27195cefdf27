/** Requests to the worker's own port, with a Host and with repeated headers as they are given. */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { ProblemDetails } from "../../../src/contract/problem.ts";
import { readText } from "../../edge/harness/upstream.ts";

export type Headers = (readonly [name: string, value: string])[];

export interface WorkerAnswer {
  status: number;
  body: string;
  /** Undefined where the body is none */
  problem: ProblemDetails | undefined;
}

export async function askWorker(
  workerUrl: string,
  path: string,
  host: string,
  headers: Headers,
): Promise<WorkerAnswer> {
  const request = httpRequest(`${workerUrl}${path}`, { headers: ["host", host, ...headers.flat()], agent: false });
  request.end();
  const [response] = await once(request, "response");
  const body = await readText(response);
  const isProblem = response.headers["content-type"] === "application/problem+json";
  return { status: response.statusCode, body, problem: isProblem ? JSON.parse(body) : undefined };
}
