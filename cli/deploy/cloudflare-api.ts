/**
 * Cloudflare's API, as far as wrangler has no command for it or none that a program can read: the account's certificates, zones, and the host
 * names on which clients are asked for certificates (developers.cloudflare.com/api, "mTLS Certificates", "Certificate Authorities").
 */
import { z } from "zod";
import { CliError } from "../output.ts";
import type { CloudflareAccount } from "./cloudflare-account.ts";
import { explainCloudflareError } from "./cloudflare-error.ts";

const certificateSchema = z.object({
  id: z.string().min(1),
  /** Null for one without */
  name: z.string().nullish(),
  ca: z.boolean(),
  /** PEM, the leaf or CA certificate first */
  certificates: z.string(),
});

/** One that is in the account. */
export type AccountCertificate = z.infer<typeof certificateSchema>;

const envelopeSchema = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
  result: z.unknown(),
  result_info: z.object({ total_pages: z.number().optional() }).nullish(),
});
type Envelope = z.infer<typeof envelopeSchema>;

const associationSchema = z.object({ hostnames: z.array(z.string()).nullish() });
const zonesSchema = z.array(z.object({ id: z.string().min(1), name: z.string() }));

export interface CloudflareApi {
  listCertificates(): Promise<AccountCertificate[]>;
  /** The id of the zone that `hostname` belongs to; undefined when the token sees none */
  findZone(hostname: string): Promise<string | undefined>;
  /** Host names on which clients are asked for certificates of this CA */
  listHostnames(zoneId: string, certificateId: string): Promise<string[]>;
  /** Replaces them. */
  putHostnames(zoneId: string, certificateId: string, hostnames: readonly string[]): Promise<void>;
}

const PAGE_SIZE = 50;
const TIMEOUT_MS = 30_000;

/** Its methods throw CliError with what to do. */
export function createCloudflareApi({ baseUrl, accountId, token }: CloudflareAccount): CloudflareApi {
  async function call(method: "GET" | "PUT", path: string, body?: object): Promise<Envelope> {
    const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body && { body: JSON.stringify(body) }),
    }).catch((cause: Error) => {
      throw unreachable(baseUrl, cause);
    });
    const { data: envelope } = envelopeSchema.safeParse(await response.json().catch(() => undefined));
    if (response.ok && envelope?.success) return envelope;
    throw explainCloudflareError({
      what: `${method} ${path.split("?")[0]}`,
      status: response.status,
      errors: envelope?.errors ?? [],
      retryAfter: response.headers.get("retry-after"),
    });
  }

  async function listCertificates(): Promise<AccountCertificate[]> {
    const found: AccountCertificate[] = [];
    for (let page = 1, pages = 1; page <= pages; page++) {
      const path = `/accounts/${accountId}/mtls_certificates?page=${page}&per_page=${PAGE_SIZE}`;
      const { result, result_info } = await call("GET", path);
      found.push(...parse(z.array(certificateSchema), result, path));
      pages = result_info?.total_pages ?? 1;
    }
    return found;
  }

  const associations = (zoneId: string) => `/zones/${zoneId}/certificate_authorities/hostname_associations`;

  return {
    listCertificates,
    async findZone(hostname) {
      for (const name of parentsOf(hostname)) {
        const path = `/zones?name=${name}`;
        const zone = parse(zonesSchema, (await call("GET", path)).result, path).find((one) => one.name === name);
        if (zone !== undefined) return zone.id;
      }
      return undefined;
    },
    async listHostnames(zoneId, certificateId) {
      const path = `${associations(zoneId)}?mtls_certificate_id=${certificateId}`;
      return parse(associationSchema, (await call("GET", path)).result, path).hostnames ?? [];
    },
    async putHostnames(zoneId, certificateId, hostnames) {
      await call("PUT", associations(zoneId), { hostnames, mtls_certificate_id: certificateId });
    },
  };
}

/** `a.b.example.com` → itself, `b.example.com`, `example.com` */
function parentsOf(hostname: string): string[] {
  const labels = hostname.split(".");
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join("."));
}

function parse<Value>(schema: z.ZodType<Value>, result: unknown, path: string): Value {
  const parsed = schema.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new CliError(
    `Cloudflare's answer to ${path.split("?")[0]} is not what its documents say: ${z.prettifyError(parsed.error)}`,
    "this version of Sallyport may be too old for the API",
  );
}

function unreachable(baseUrl: string, cause: Error): CliError {
  const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
  return new CliError(
    `"${baseUrl}" does not answer: ${reason}`,
    "run the command again: what is done already is found and not done twice",
  );
}
