/**
 * A stand-in for Cloudflare's API, as far as `sallyport deploy cloudflare` and the wrangler that it drives go. Strict: what is not documented
 * (path, method, token, content type, shape of the body) is refused and written down, and tests look whether anything was.
 */
import { createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";

export const TOKEN = "a-token-of-this-test-0123456789abcdef";
export const ACCOUNT_ID = "0123456789abcdef0123456789abcdef";
const ZONE_ID = "fedcba9876543210fedcba9876543210";
const ZONE_NAME = "example.com";
/** So that there is a second page soon */
const PAGE_SIZE_MAX = 2;

export interface StoredCertificate {
  id: string;
  name?: string | undefined;
  ca: boolean;
  certificates: string;
}

export interface UploadedWorker {
  name: string;
  metadata: { bindings: Record<string, unknown>[]; main_module: string };
  /** Of the modules, by name */
  code: string;
}

export interface CloudflareStandIn extends AsyncDisposable {
  readonly url: string;
  /** `POST /accounts/…`, those that change something */
  readonly changes: string[];
  /** What was asked for and is not documented */
  readonly problems: string[];
  readonly certificates: StoredCertificate[];
  /** By certificate id */
  readonly hostnames: Map<string, string[]>;
  readonly workers: UploadedWorker[];
  /** The next request whose `METHOD path` has this in it is answered so, once. */
  failNext(matching: string, status: number, body: object, headers?: Record<string, string>): void;
}

interface Answer {
  status?: number;
  result?: unknown;
  result_info?: object;
  errors?: { code: number; message: string }[];
}

interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  contentType: string;
  body: string;
}

const uploadSchema = z.strictObject({
  name: z.string().min(1).optional(),
  certificates: z.string().min(1),
  private_key: z.string().min(1).optional(),
  ca: z.boolean(),
});

const associationSchema = z.strictObject({
  hostnames: z.array(z.string().regex(/^[a-z0-9.-]+$/)),
  mtls_certificate_id: z.string().length(36),
});

const deploymentSchema = z.looseObject({
  strategy: z.literal("percentage"),
  versions: z.array(z.strictObject({ version_id: z.string().length(36), percentage: z.literal(100) })).length(1),
});

export async function startCloudflareStandIn(): Promise<CloudflareStandIn> {
  const state = {
    changes: [] as string[],
    problems: [] as string[],
    certificates: [] as StoredCertificate[],
    hostnames: new Map<string, string[]>(),
    workers: [] as UploadedWorker[],
  };
  const failures: { matching: string; status: number; body: object; headers: Record<string, string> }[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const method = request.method ?? "";
    const call: Call = {
      ...{ method, path: url.pathname.replace("/client/v4", ""), query: url.searchParams },
      contentType: request.headers["content-type"] ?? "",
      body: await text(request),
    };
    const line = `${method} ${call.path}`;
    const failure = failures.findIndex(({ matching }) => line.includes(matching));
    if (failure >= 0) {
      const [{ status, body, headers } = { status: 500, body: {}, headers: {} }] = failures.splice(failure, 1);
      return send(response, status, body, headers);
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      return send(response, 401, envelope({ errors: [{ code: 10_000, message: "Authentication error" }] }));
    }
    if (method !== "GET") state.changes.push(line);
    const found = route(call);
    if (found === undefined) state.problems.push(`${line}: not documented`);
    const { status = 200, ...rest } = found ?? {
      status: 404,
      errors: [{ code: 7_000, message: "No route for that URI" }],
    };
    send(response, status, envelope(rest));
  }

  function route(call: Call): Answer | undefined {
    const account = `/accounts/${ACCOUNT_ID}`;
    if (call.path === `${account}/mtls_certificates`) {
      if (call.method === "GET") return listCertificates(call.query);
      return call.method === "POST" ? upload(call) : undefined;
    }
    if (call.path === "/zones" && call.method === "GET") {
      return { result: call.query.get("name") === ZONE_NAME ? [{ id: ZONE_ID, name: ZONE_NAME }] : [] };
    }
    if (call.path === `/zones/${ZONE_ID}/certificate_authorities/hostname_associations`) return associate(call);
    if (call.path.startsWith(`${account}/workers/`)) return answerWorkers(call);
    return undefined;
  }

  function listCertificates(query: URLSearchParams): Answer {
    const page = Number(query.get("page") ?? 1);
    const perPage = Math.min(Number(query.get("per_page") ?? PAGE_SIZE_MAX), PAGE_SIZE_MAX);
    const result = state.certificates.slice((page - 1) * perPage, page * perPage);
    return { result, result_info: { page, total_pages: Math.ceil(state.certificates.length / perPage) } };
  }

  function upload({ body, contentType }: Call): Answer {
    const parsed = uploadSchema.safeParse(readJson(body, contentType, state.problems));
    if (!parsed.success) return refuse(`upload: ${z.prettifyError(parsed.error)}`);
    const { name, certificates, private_key, ca } = parsed.data;
    const certificate = new X509Certificate(certificates);
    if (ca !== (private_key === undefined)) return refuse("upload: a CA certificate has no key, any other has one");
    if (ca && !certificate.ca) return refuse("upload: no CA certificate");
    if (private_key !== undefined && !certificate.checkPrivateKey(createPrivateKey(private_key))) {
      return refuse("upload: the key is another one's");
    }
    if (
      state.certificates.some(
        (one) => new X509Certificate(one.certificates).fingerprint256 === certificate.fingerprint256,
      )
    ) {
      return { status: 409, errors: [{ code: 1406, message: "This certificate has already been uploaded" }] };
    }
    const stored = { id: randomUUID(), name, ca, certificates };
    state.certificates.push(stored);
    const times = { expires_on: certificate.validToDate.toISOString(), uploaded_on: new Date().toISOString() };
    return { result: { ...stored, issuer: certificate.issuer, serial_number: certificate.serialNumber, ...times } };
  }

  function associate({ method, query, body, contentType }: Call): Answer | undefined {
    if (method === "GET")
      return { result: { hostnames: state.hostnames.get(query.get("mtls_certificate_id") ?? "") ?? [] } };
    if (method !== "PUT") return undefined;
    const parsed = associationSchema.safeParse(readJson(body, contentType, state.problems));
    if (!parsed.success) return refuse(`association: ${z.prettifyError(parsed.error)}`);
    const { hostnames, mtls_certificate_id } = parsed.data;
    const ca = state.certificates.find(({ id }) => id === mtls_certificate_id);
    if (!ca?.ca) return refuse("association: not a CA certificate of the account");
    state.hostnames.set(mtls_certificate_id, hostnames);
    return { result: { hostnames } };
  }

  /** What `wrangler deploy` asks for (seen with 4.155). */
  function answerWorkers({ method, path, body, contentType }: Call): Answer | undefined {
    const rest = path.slice(`/accounts/${ACCOUNT_ID}/workers/`.length);
    const [kind, name = "", what = ""] = rest.split("/");
    if (kind === "scripts" && method !== "GET")
      return changeWorker({ name, what: `${method} ${what}`, body, contentType });
    if (method !== "GET") return undefined;
    if (rest === "subdomain") return { result: { subdomain: "acme" } };
    if (state.workers.some((worker) => worker.name === name)) return describeWorker(`${kind}/${what}`, name);
    const code = kind === "services" ? 10_090 : 10_007;
    return { status: 404, errors: [{ code, message: "This Worker does not exist on your account." }] };
  }

  /** A new worker is put, another version of one that is there is posted and then deployed. */
  function changeWorker({
    name,
    what,
    body,
    contentType,
  }: {
    name: string;
    what: string;
    body: string;
    contentType: string;
  }) {
    switch (what) {
      case "PUT ":
      case "POST versions":
        return uploadWorker(name, body, contentType);
      case "POST subdomain":
        return { result: JSON.parse(body) };
      case "POST deployments":
        return deployVersions(JSON.parse(body));
      case "PATCH script-settings":
        return { result: JSON.parse(body) };
      default:
        return undefined;
    }
  }

  function deployVersions(body: unknown): Answer {
    const parsed = deploymentSchema.safeParse(body);
    return parsed.success ? { result: { id: randomUUID() } } : refuse(`deployment: ${z.prettifyError(parsed.error)}`);
  }

  function uploadWorker(name: string, body: string, contentType: string): Answer {
    if (!contentType.startsWith("multipart/form-data")) return refuse(`worker: content type "${contentType}"`);
    const metadata = JSON.parse(/name="metadata"\r?\n\r?\n([^\r\n]+)/.exec(body)?.[1] ?? "{}");
    for (const binding of metadata.bindings ?? []) {
      if (binding.type !== "mtls_certificate") continue;
      const certificate = state.certificates.find(({ id }) => id === binding.certificate_id);
      if (certificate === undefined || certificate.ca)
        return refuse(`worker: binding ${binding.name} is no mTLS certificate`);
    }
    state.workers.push({ name, metadata, code: body });
    const resources = { script: { etag: "1" } };
    return { result: { id: randomUUID(), etag: "1", deployment_id: randomUUID(), startup_time_ms: 5, resources } };
  }

  function refuse(problem: string): Answer {
    state.problems.push(problem);
    return { status: 400, errors: [{ code: 1_400, message: problem }] };
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    failNext: (matching, status, body, headers = {}) => void failures.push({ matching, status, body, headers }),
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const WORKERS_DEV_OFF = { enabled: false, previews_enabled: false };

/** Of a worker that is there. */
function describeWorker(what: string, name: string): Answer | undefined {
  const results: Record<string, unknown> = {
    "services/": { default_environment: { script: { last_deployed_from: "wrangler" } } },
    "workers/": { name, subdomain: WORKERS_DEV_OFF },
    "scripts/subdomain": WORKERS_DEV_OFF,
    "scripts/deployments": { deployments: [] },
    "scripts/settings": { bindings: [] },
    "scripts/secrets": [],
  };
  return what in results ? { result: results[what] } : undefined;
}

/** wrangler sends JSON as text; what we send says what it is. */
function readJson(body: string, contentType: string, problems: string[]): unknown {
  if (!/^(?:application\/json|text\/plain;charset=UTF-8)$/.test(contentType))
    problems.push(`content type "${contentType}"`);
  return JSON.parse(body);
}

function envelope({ result = null, result_info, errors = [] }: Answer): object {
  return { success: errors.length === 0, errors, messages: [], result, ...(result_info && { result_info }) };
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
