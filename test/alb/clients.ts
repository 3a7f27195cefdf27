/** Real clients: node:https, curl and openssl s_client, each with a certificate of its own or none. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";

export interface Identity {
  chainPem: string;
  keyPem: string;
}

interface Question {
  ca: string;
  identity?: Identity | undefined;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  tls?: Pick<ConnectionOptions, "minVersion" | "maxVersion" | "ciphers">;
}

/** The echo target's answer, or the error in its place: under TLS 1.2 only its text says which alert came. */
export type Answer =
  | { ok: true; status: number; json: Record<string, unknown> }
  | { ok: false; code: string; alert: number | undefined };

function describeError(error: NodeJS.ErrnoException): Answer {
  const alert = /SSL alert number (\d+)/.exec(error.message)?.[1];
  return { ok: false, code: error.code ?? error.message, alert: alert === undefined ? undefined : Number(alert) };
}

export function askWithNode(url: string, question: Question): Promise<Answer> {
  const { ca, identity, method = "GET", headers = {}, body, tls = {} } = question;
  const client = identity ? { cert: identity.chainPem, key: identity.keyPem } : {};
  return new Promise((resolve) => {
    const sent = request(url, { ca, method, headers, agent: false, ...client, ...tls }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      resolve({ ok: true, status: response.statusCode ?? 0, json: JSON.parse(Buffer.concat(chunks).toString()) });
    });
    sent.once("error", (error: NodeJS.ErrnoException) => resolve(describeError(error)));
    sent.end(body);
  });
}

interface Output {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** `{ca}`, `{cert}` and `{key}` among the arguments stand for files. */
async function withFiles<T>(question: Question, run: (fill: (text: string) => string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "sallyport-alb-"));
  try {
    const files = { ca: question.ca, cert: question.identity?.chainPem ?? "", key: question.identity?.keyPem ?? "" };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 });
    return await run((text) => text.replace(/\{(ca|cert|key)\}/, (_, name: string) => join(directory, name)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export function askWithCurl(url: string, question: Question, ...flags: string[]): Promise<Output> {
  const client = question.identity ? ["--cert", "{cert}", "--key", "{key}"] : [];
  const args = ["-sS", "--max-time", "10", "--cacert", "{ca}", ...client, ...flags, url];
  return withFiles(
    question,
    (fill) =>
      new Promise((resolve) => {
        execFile("curl", args.map(fill), (error, stdout, stderr) => {
          resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      }),
  );
}

/** Everything that `openssl s_client` prints until the server closes; `input` is what it sends after the handshake. */
export function askWithOpenssl(port: number, question: Question, input: string, ...flags: string[]): Promise<string> {
  const client = question.identity ? ["-cert", "{cert}", "-key", "{key}", "-cert_chain", "{cert}"] : [];
  const connect = ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "localhost", "-CAfile", "{ca}"];
  return withFiles(
    question,
    (fill) =>
      new Promise((resolve) => {
        const child = spawn("openssl", [...connect, "-ign_eof", ...client, ...flags].map(fill));
        let text = "";
        child.stdout.on("data", (chunk) => (text += chunk));
        child.stderr.on("data", (chunk) => (text += chunk));
        child.stdin.on("error", () => {});
        child.once("close", () => resolve(text));
        child.stdin.end(input);
      }),
  );
}
