/** What every host is to the table: something that is asked. */
import { once } from "node:events";
import { type RequestOptions as HttpOptions, request as httpRequest } from "node:http";
import { type RequestOptions as HttpsOptions, request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { Identity } from "../identities.ts";
import { createOutcome, type Outcome } from "../outcome.ts";

/** As a client sends it. */
export interface ClientRequest {
  /** Of the case */
  name: string;
  method: "GET" | "POST" | "HEAD";
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  identity: Identity;
  /** What Cloudflare would know of it besides */
  cf?: object | undefined;
}

export interface Host extends AsyncDisposable {
  ask(request: ClientRequest): Promise<Outcome>;
}

/** The name that all clients ask for: a project's own in every local stack, and no port, so that URLs are alike. */
export const HOSTNAME = "localhost";

export function exchangeHttp(options: HttpOptions, body?: string): Promise<Outcome> {
  return receive(httpRequest({ agent: false, ...options }), body);
}

export function exchangeHttps(options: HttpsOptions, body?: string): Promise<Outcome> {
  return receive(httpsRequest({ agent: false, ...options }), body);
}

async function receive(request: ReturnType<typeof httpRequest>, body: string | undefined): Promise<Outcome> {
  request.end(body);
  const [response] = await once(request, "response");
  return createOutcome(response.statusCode, response.headers, await text(response));
}
