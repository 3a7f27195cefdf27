/** Clients of the edge: whole requests over node:https, and bytes over node:tls for what no client library would send. */
import { once } from "node:events";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { EdgeAssertion } from "../../../src/contract/edge-assertion.ts";
import type { ProblemDetails } from "../../../src/contract/problem.ts";
import { HOST, type TestEdge } from "./edge.ts";
import { readText, type SeenRequest } from "./upstream.ts";

/** What a client presents: a leaf, or a leaf and what it sends after it. */
export interface Identity {
  chainPem: string;
  keyPem: string;
}

export interface AskOptions {
  /** SNI, and Host unless the headers say another one; `""` sends no SNI */
  hostname?: string;
  identity?: Identity | undefined;
  method?: string;
  path?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer | undefined;
  /** Keeps the connection; without one the connection ends with the answer */
  agent?: Agent;
  tls?: ConnectionOptions;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The request as the upstream saw it. @throws when the answer is not the upstream's reflection */
  seen(): SeenRequest;
  problem(): ProblemDetails;
}

/** One request over HTTP/1.1; the server's certificate is verified against the edge CA. */
export async function ask(edge: TestEdge, options: AskOptions = {}): Promise<Answer> {
  const { method = "GET", path = "/", headers = {}, body } = options;
  const request = httpsRequest({
    ...tlsOptions(edge, options),
    method,
    path,
    headers: { host: options.hostname || HOST, ...headers },
    agent: options.agent ?? false,
  } as RequestOptions);
  // An answer may come, and the connection end, while the body is still being sent.
  request.on("error", () => {});
  request.end(body);
  const [response] = await once(request, "response");
  const text = await readText(response);
  return createAnswer(response.statusCode, response.headers, text);
}

/** `ask` and what the edge vouched for on that request. */
export async function askForAssertion(edge: TestEdge, options: AskOptions = {}): Promise<EdgeAssertion> {
  const answer = await ask(edge, options);
  return edge.readAssertion(answer.seen().headers);
}

export function createAnswer(status: number, headers: IncomingHttpHeaders, body: string): Answer {
  const parse = (expected: boolean): unknown => {
    if (!expected) throw new Error(`unexpected answer: ${status} ${body}`);
    return JSON.parse(body);
  };
  return {
    status,
    headers,
    body,
    seen: () => parse(status === 200) as SeenRequest,
    problem: () => parse(headers["content-type"] === "application/problem+json") as ProblemDetails,
  };
}

/** An agent with one connection that stays. Destroy it, or let the edge's end do so. */
export function createKeepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

export function tlsOptions(
  edge: TestEdge,
  options: Pick<AskOptions, "hostname" | "identity" | "tls">,
): ConnectionOptions {
  const { hostname = HOST, identity } = options;
  return {
    host: "127.0.0.1",
    port: edge.port,
    servername: hostname,
    ca: edge.edgeCaPem,
    // Without SNI the edge shows its fallback certificate, which is not for the name that the client has in mind.
    rejectUnauthorized: hostname !== "",
    ...(identity === undefined ? {} : { cert: identity.chainPem, key: identity.keyPem }),
    ...options.tls,
  };
}

/** A TLS connection after its handshake. Errors later on (the edge cutting it) are the test's to look at. */
export async function connectTls(
  edge: TestEdge,
  options: Pick<AskOptions, "hostname" | "identity" | "tls"> = {},
): Promise<TLSSocket> {
  const socket = connect(tlsOptions(edge, options));
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

/** Sends bytes as they are and gives what came back until the edge closed the connection. */
export async function sendRaw(
  edge: TestEdge,
  text: string,
  options: Pick<AskOptions, "hostname" | "identity" | "tls"> = {},
): Promise<string> {
  const socket = await connectTls(edge, options);
  socket.write(text, "latin1");
  return readToEnd(socket);
}

export async function readToEnd(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!socket.closed) await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}
