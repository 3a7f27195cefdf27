/** Requests over HTTP/2: each connection has one under way at any time. */
import { type ClientHttp2Session, connect } from "node:http2";
import { createSecureContext } from "node:tls";
import type { Http2Load } from "./http2-load-process.ts";
import { runAsLoadThread } from "./run-as-load-thread.ts";

/** @returns how many bytes the answer has. @throws Error when its status is not 200 */
function ask(session: ClientHttp2Session, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    let bytes = 0;
    let status: unknown;
    stream.on("response", (answer) => {
      status = answer[":status"];
    });
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.once("error", reject);
    stream.once("end", () => (status === 200 ? resolve(bytes) : reject(new Error(`status ${status}`))));
  });
}

runAsLoadThread<Http2Load>(({ port, path, identity, expectedBody }) => {
  const { servername, ca, cert, key } = identity;
  const secureContext = createSecureContext({ ca, cert, key });
  const headers = { ":path": path, ":authority": servername };
  const expectedBytes = Buffer.byteLength(expectedBody);
  return () => {
    let session: ClientHttp2Session | undefined;
    let sessionFailure: Error | undefined;
    function open(): ClientHttp2Session {
      const opened = connect(`https://127.0.0.1:${port}`, { servername, secureContext });
      return opened.once("error", (error: Error) => {
        sessionFailure = error;
      });
    }
    return async () => {
      // A server ends a connection after its number of requests.
      if (session === undefined || session.closed) session = open();
      const bytes = await ask(session, headers).catch((error: unknown) => {
        throw sessionFailure ?? error;
      });
      if (bytes !== expectedBytes) throw new Error(`an answer has ${bytes} bytes`);
    };
  };
});
