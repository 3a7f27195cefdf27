/** HTTP to a control plane: one request, one answer or one error that says what to do. Keeps no state, repeats nothing. */
import { array, looseObject, safeParse, unknown, type ZodMiniType } from "zod/mini";
import { type Progress, startProgress } from "../output/progress.ts";
import { CliError } from "../output.ts";
import { isLoopback } from "./api-url.ts";
import { parseProblem, Refusal, refuse } from "./refusal.ts";

export interface ControlPlaneClient {
  readonly apiUrl: string;
  /** The answer as it came. @throws Refusal */
  get<Value>(path: string, schema: ZodMiniType<Value>): Promise<Value>;
  post<Value>(path: string, body: object | undefined, schema: ZodMiniType<Value>): Promise<Value>;
  patch<Value>(path: string, body: object, schema: ZodMiniType<Value>): Promise<Value>;
  delete(path: string): Promise<void>;
  /** Every page from `offset` on, as one; `limit` ends it early. */
  list<Item>(path: string, item: ZodMiniType<Item>, range?: Range): Promise<List<Item>>;
}

export interface Range {
  offset?: number | undefined;
  limit?: number | undefined;
}

export interface List<Item> {
  data: Item[];
  offset: number;
  limit: number;
}

export interface ClientOptions {
  apiUrl: string;
  apiKey: string;
  timeoutSeconds: number;
}

const PAGE_ITEMS = 1000;

export function createClient({ apiUrl, apiKey, timeoutSeconds }: ClientOptions): ControlPlaneClient {
  async function send<Value>(method: string, path: string, body: object | undefined, schema: ZodMiniType<Value>) {
    const answer = await exchange(`${apiUrl}${path}`, {
      method,
      headers: {
        accept: "application/json, application/problem+json",
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The key is for this address, not for one that it points to
      redirect: "manual",
      signal: AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000)),
    }).catch((cause: unknown) => {
      throw describeFailure(apiUrl, timeoutSeconds, cause);
    });
    return readAnswer(apiUrl, answer, schema);
  }

  async function sendWatched<Value>(
    method: string,
    path: string,
    body: object | undefined,
    schema: ZodMiniType<Value>,
  ) {
    using _progress = startProgress(`waiting for ${apiUrl}`);
    return await send(method, path, body, schema);
  }

  async function list<Item>(path: string, item: ZodMiniType<Item>, { offset = 0, limit = Infinity }: Range = {}) {
    using progress: Progress = startProgress(`waiting for ${apiUrl}`);
    const page = looseObject({ data: array(item) });
    const data: Item[] = [];
    while (data.length < limit) {
      const wanted = Math.min(PAGE_ITEMS, limit - data.length);
      const query = `?offset=${offset + data.length}&limit=${wanted}`;
      const { data: items } = await send("GET", `${path}${query}`, undefined, page);
      data.push(...items);
      if (items.length < wanted) break;
      progress.update(`${data.length} read from ${apiUrl}`);
    }
    return { data, offset, limit: Number.isFinite(limit) ? limit : data.length };
  }

  return {
    apiUrl,
    get: (path, schema) => sendWatched("GET", path, undefined, schema),
    post: (path, body, schema) => sendWatched("POST", path, body, schema),
    patch: (path, body, schema) => sendWatched("PATCH", path, body, schema),
    async delete(path) {
      await sendWatched("DELETE", path, undefined, unknown());
    },
    list,
  };
}

interface Answer {
  status: number;
  contentType: string;
  text: string;
}

async function exchange(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    text: await response.text(),
  };
}

function readAnswer<Value>(apiUrl: string, answer: Answer, schema: ZodMiniType<Value>): Value {
  const body = answer.text === "" ? undefined : parseText(answer.text);
  const isDone = answer.status >= 200 && answer.status < 300;
  if (isDone) {
    const parsed = safeParse(schema, body);
    if (parsed.success) return parsed.data;
  }
  const problem = isDone ? undefined : parseProblem(body);
  if (problem !== undefined) throw new Refusal(problem);
  const found = answer.contentType === "" ? `${answer.status}` : `${answer.status} and ${answer.contentType}`;
  throw refuse(
    "not_a_control_plane",
    `"${apiUrl}" does not answer like a control plane: found ${found}`,
    "is the address right? it is the control plane's, not the gateway's: npm start prints both",
  );
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch says what happened in the cause, by a code of Node's, of OpenSSL's or of undici's. */
function describeFailure(apiUrl: string, timeoutSeconds: number, failure: unknown): CliError {
  const { name, message, cause } = failure as Error;
  const { code = "", message: detail = message } = (cause ?? {}) as { code?: string; message?: string };
  const start = isLoopback(apiUrl)
    ? "is it running? start it with npm start or sallyport dev"
    : "is the address right, and can it be reached from here?";
  if (name === "TimeoutError") {
    const text = `"${apiUrl}" did not answer within ${timeoutSeconds} s`;
    return refuse("control_plane_timeout", text, "it may still do what it was asked: look before you repeat it");
  }
  if (code === "ECONNREFUSED") {
    return refuse("control_plane_unreachable", `"${apiUrl}" does not answer: connection refused`, start);
  }
  if (/CERT|SIGNATURE|ISSUER/.test(code)) {
    const trust = "the certificates of a private CA are trusted with NODE_EXTRA_CA_CERTS=<ca.pem>";
    return refuse("control_plane_untrusted", `"${apiUrl}" has no certificate to be trusted: ${detail}`, trust);
  }
  return refuse("control_plane_unreachable", `"${apiUrl}" does not answer: ${detail || code}`, start);
}

/** A user's text as one segment of a path: never one that leads somewhere else. */
export function toSegment(text: string): string {
  if (/^\.{0,2}$/.test(text)) throw new CliError(`"${text}" is not a name`);
  return encodeURIComponent(text);
}
