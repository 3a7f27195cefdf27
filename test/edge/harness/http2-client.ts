/** HTTP/2 clients of the edge. */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectTls } from "node:tls";
import { type Answer, type AskOptions, createAnswer, tlsOptions } from "./client.ts";
import { HOST, type TestEdge } from "./edge.ts";
import { readText } from "./upstream.ts";

export async function connectHttp2(
  edge: TestEdge,
  options: Pick<AskOptions, "hostname" | "identity" | "tls"> = {},
): Promise<ClientHttp2Session> {
  const tls = { ...tlsOptions(edge, options), ALPNProtocols: ["h2"] };
  const session = connect(`https://${options.hostname || HOST}`, { createConnection: () => connectTls(tls) });
  session.on("error", () => {});
  await once(session, "connect");
  return session;
}

/** One request on an open session. */
export async function askHttp2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  body?: string | Buffer,
): Promise<Answer> {
  const stream = session.request({ ":authority": HOST, ":path": "/", ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return readAnswer(stream);
}

export async function readAnswer(stream: ClientHttp2Stream): Promise<Answer> {
  const [headers] = await once(stream, "response");
  const { ":status": status, ...others } = headers;
  return createAnswer(Number(status), others, await readText(stream));
}
