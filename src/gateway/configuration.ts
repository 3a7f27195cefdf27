/**
 * The worker's own variables (`SALLYPORT_*`), parsed once at load. The source of client-certificate truth is chosen
 * here and nowhere else: by configuration, never by what a request contains.
 */
import type { JSONWebKeySet } from "jose";
import { z } from "zod";
import { EGRESS_BINDING, EGRESS_BINDING_URL } from "../contract/egress.ts";
import { DEVELOPMENT_ENVIRONMENT } from "../contract/problem.ts";
import type { WorkerVariable } from "../contract/worker-variables.ts";
import { type EgressConfiguration, isFetcher } from "../runtime/certificate-transport.ts";

const EDGE_JWKS_VARIABLE = "SALLYPORT_EDGE_JWKS";
const SOURCE_VARIABLE = "SALLYPORT_CLIENT_CERTIFICATE_SOURCE";

/** Said to whoever reads the reason of a request that nobody vouches for. */
export const SOURCE_NOT_CONFIGURED_REASON = `client certificates cannot be verified here: set ${EDGE_JWKS_VARIABLE} behind the edge, or ${SOURCE_VARIABLE}="cloudflare" on Cloudflare`;

/** Public Ed25519 keys only: a worker that holds a private key could forge assertions for itself. */
const publicKeySchema = z
  .looseObject({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string().min(1), kid: z.string().min(1) })
  .refine((key) => !("d" in key), { error: "is a private key, only public keys are allowed" });

const keySetSchema = z.object({ keys: z.array(publicKeySchema).min(1) });

/** The token crosses in clear text, so the egress is on this machine or behind TLS. */
const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

const egressUrl = z.string().superRefine((text, context) => {
  const url = URL.parse(text);
  const isLoopback = url?.protocol === "http:" && LOOPBACK_HOSTS.includes(url.hostname);
  if (url?.protocol !== "https:" && !isLoopback) {
    context.addIssue(`"${text}" is not the URL of an egress, allowed: http://127.0.0.1:<port> and https://…`);
  }
});

/** Printable ASCII: both travel in headers. */
const egressToken = z.string().regex(/^[\x21-\x7e]{16,}$/, { error: "is not a token, allowed: 16 or more characters" });
const egressProject = z.string().regex(/^[\x21-\x2e\x30-\x7e]+\/[\x21-\x2e\x30-\x7e]+$/, {
  error: (issue) => `"${String(issue.input)}" is not a project, allowed: "account/project"`,
});

const variablesSchema = z.object({
  SALLYPORT_ENVIRONMENT: z.string().min(1).default("production"),
  SALLYPORT_ACCOUNT: z.string().min(1).optional(),
  SALLYPORT_PROJECT: z.string().min(1).optional(),
  [EDGE_JWKS_VARIABLE]: z.string().transform(parseJson).pipe(keySetSchema).optional(),
  [SOURCE_VARIABLE]: z
    .literal("cloudflare", { error: (issue) => `"${String(issue.input)}" is not a source, allowed: "cloudflare"` })
    .optional(),
  SALLYPORT_EGRESS_URL: egressUrl.optional(),
  SALLYPORT_EGRESS_TOKEN: egressToken.optional(),
  SALLYPORT_EGRESS_PROJECT: egressProject.optional(),
} satisfies Record<WorkerVariable, z.ZodType>);

export type SourceConfiguration = { kind: "edge"; jwks: JSONWebKeySet } | { kind: "cloudflare" } | { kind: "none" };

export interface GatewayConfiguration {
  environment: string;
  isDevelopment: boolean;
  /** Where set, an assertion for another account is refused */
  account: string | undefined;
  /** Where set, an assertion for another project is refused */
  project: string | undefined;
  source: SourceConfiguration;
  /** Where client certificates for origins are presented; undefined where only bindings of the worker can */
  egress: EgressConfiguration | undefined;
}

/** `problems` is empty for a usable configuration; otherwise the configuration verifies no one. */
export interface ConfigurationResult {
  configuration: GatewayConfiguration;
  problems: string[];
}

export function parseConfiguration(variables: Readonly<Record<string, unknown>>): ConfigurationResult {
  const parsed = variablesSchema.safeParse(withoutUnset(variables));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `variable ${issue.path.join(".")}: ${issue.message}`);
    return { configuration: unusableConfiguration(variables), problems };
  }
  const { SALLYPORT_ENVIRONMENT: environment, ...own } = parsed.data;
  const jwks = own[EDGE_JWKS_VARIABLE];
  if (jwks && own[SOURCE_VARIABLE]) {
    const problem = `variables ${EDGE_JWKS_VARIABLE} and ${SOURCE_VARIABLE}: both are set, exactly one source of client certificates is allowed`;
    return { configuration: unusableConfiguration(variables), problems: [problem] };
  }
  const egress = selectEgress(own, variables[EGRESS_BINDING]);
  if (egress === "incomplete") {
    const problem = `variables ${EGRESS_VARIABLES.join(", ")}: some are set and some are not, expected: all or none`;
    return { configuration: unusableConfiguration(variables), problems: [problem] };
  }
  const configuration: GatewayConfiguration = {
    environment,
    isDevelopment: environment === DEVELOPMENT_ENVIRONMENT,
    account: own.SALLYPORT_ACCOUNT,
    project: own.SALLYPORT_PROJECT,
    source: jwks ? { kind: "edge", jwks } : { kind: own[SOURCE_VARIABLE] ?? "none" },
    egress,
  };
  return { configuration, problems: [] };
}

const EGRESS_VARIABLES = ["SALLYPORT_EGRESS_URL", "SALLYPORT_EGRESS_TOKEN", "SALLYPORT_EGRESS_PROJECT"] as const;

/** Half an egress would fail with every request: better to say so at once. */
function selectEgress(
  own: Partial<Record<(typeof EGRESS_VARIABLES)[number], string | undefined>>,
  given: unknown,
): EgressConfiguration | undefined | "incomplete" {
  const binding = isFetcher(given) ? given : undefined;
  const [ownUrl, token, project] = EGRESS_VARIABLES.map((name) => own[name]);
  const url = binding === undefined ? ownUrl : EGRESS_BINDING_URL;
  if (url !== undefined && token !== undefined && project !== undefined) return { url, token, project, binding };
  return url === undefined && token === undefined && project === undefined ? undefined : "incomplete";
}

/** Verifies no one, and still knows whether its answers may explain themselves. */
function unusableConfiguration(variables: Readonly<Record<string, unknown>>): GatewayConfiguration {
  const isDevelopment = variables.SALLYPORT_ENVIRONMENT === DEVELOPMENT_ENVIRONMENT;
  return {
    environment: isDevelopment ? DEVELOPMENT_ENVIRONMENT : "",
    isDevelopment,
    account: undefined,
    project: undefined,
    source: { kind: "none" },
    egress: undefined,
  };
}

/** Plain workerd binds null to a variable that its environment does not have. */
function withoutUnset(variables: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== null));
}

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue("is not JSON, expected a JSON Web Key Set");
    return z.NEVER;
  }
}
