// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of handlers
/**
 * Options that do not build or load, and what is said about them. The options are written here; the words are those of the
 * schema, and every check of its own has to be among what spoke.
 */
import { type BuildLog, formatJsonPath, formatProblem } from "../../../cli/build/problem.ts";
import { reportIssues } from "../../../cli/build/validate.ts";
import { findOptionIssues, validateOptions } from "../../../src/contract/policy-options/validate-options.ts";
import type { JsonObject } from "../../../src/contract/project.ts";
import { RUNTIME_EXPORTS, type RuntimeExportName } from "../../../src/contract/runtime-exports.ts";
import { countSilentChecks } from "./custom-checks.ts";
import { code, prose, table } from "./markdown.ts";

const PUBLIC_KEY = { kty: "EC", crv: "P-256", x: "…", y: "…" };
const AUDIENCE = { audience: "https://api.example.com" };
const PROOF = { secret: { header: "x-cdn-secret", values: ["$env(CDN_SECRET)"] } };
const IDENTITY = { identityHeader: "x-verified-client" };
const BASE_URL = { baseUrl: "https://origin.example" };
const PATTERN = { rewritePattern: "https://origin.example/" };

const SET_HEADERS: JsonObject[] = [
  { headers: [{ name: "x team", value: "a" }] },
  { headers: [{ name: "sallyport-team", value: "a" }] },
  { headers: [{ name: "x-team", value: "a\nb" }] },
];
const REMOVE_HEADERS: JsonObject[] = [{ headers: ["x team"] }, { headers: ["sallyport-request-id"] }];

const REFUSED: Record<RuntimeExportName, JsonObject[]> = {
  MTLSAuthInboundPolicy: [
    {},
    { certIssuerDN: "example-ca" },
    { certIssuerDN: "$env(NOT_SET)" },
    { certIssuerDNs: [] },
    { caCertificates: ["ca"], allow: {} },
    { caCertificates: ["ca"], allow: { sha256Fingerprints: ["ab:cd"] } },
    { caCertificates: ["ca"], allow: { sans: ["api.example.com"] } },
  ],
  CdnIdentityInboundPolicy: [
    { ...IDENTITY, proof: {} },
    { ...IDENTITY, proof: { secret: { header: "x-cdn-secret", values: ["short"] } } },
    { ...IDENTITY, proof: { signature: { secrets: ["$env(CDN_SECRET)"], maxAgeSeconds: 3600 } } },
    { ...IDENTITY, proof: { clientCertificate: {} } },
    { ...IDENTITY, proof: { clientCertificate: { certIssuerDN: "cdn" } } },
    { ...IDENTITY, proof: { clientCertificate: { certIssuerDN: "$env(NOT_SET)" } } },
    { ...IDENTITY, proof: { clientCertificate: { allow: {} } } },
    { ...IDENTITY, proof: { clientCertificate: { allow: { sha256Fingerprints: ["ab:cd"] } } } },
    { ...IDENTITY, proof: { clientCertificate: { allow: { sans: ["cdn.example"] } } } },
    { ...IDENTITY, proof: { secret: "$env(NOT_SET)" } },
    { identityHeader: "x-forwarded-user", proof: PROOF },
    { identityHeader: "x client", proof: PROOF },
  ],
  CertificateBoundTokenInboundPolicy: [
    AUDIENCE,
    { issuer: "https://login.example.com" },
    { issuer: "http://login.example.com", ...AUDIENCE },
    { issuer: "https://login.example.com?tenant=a", ...AUDIENCE },
    { jwksUrl: "https://login.example.com/keys", jwks: { keys: [PUBLIC_KEY] }, ...AUDIENCE },
    { jwks: { keys: [{ ...PUBLIC_KEY, d: "…" }] }, ...AUDIENCE },
    { jwks: { keys: [{ kty: "oct", k: "…" }] }, ...AUDIENCE },
    { issuer: "https://login.example.com", ...AUDIENCE, algorithms: ["HS256"] },
    { issuer: "https://login.example.com", ...AUDIENCE, clockToleranceSeconds: 3600 },
    { issuer: "$env(NOT_SET)", ...AUDIENCE },
  ],
  CompositeInboundPolicy: [{}, { policies: [] }],
  SetHeadersInboundPolicy: SET_HEADERS,
  SetHeadersOutboundPolicy: SET_HEADERS,
  RemoveHeadersInboundPolicy: REMOVE_HEADERS,
  RemoveHeadersOutboundPolicy: REMOVE_HEADERS,
  urlForwardHandler: [
    {},
    { baseUrl: "origin.example" },
    { baseUrl: "https://user:password@origin.example" },
    { baseUrl: "https://origin.example/#top" },
    { baseUrl: "https://origin.example/${secrets.A}" },
    { ...BASE_URL, mtlsCertificate: "my certificate" },
    { ...BASE_URL, forwardClientCertificate: "all" },
  ],
  urlRewriteHandler: [
    {},
    { rewritePattern: "/v2/" },
    { rewritePattern: "https://origin.example/${params}" },
    { rewritePattern: "https://origin.example/${request.body}" },
    { rewritePattern: "https://origin.example/${params.id" },
    { ...PATTERN, mtlsCertificate: "my certificate" },
  ],
  redirectHandler: [{}, { location: "" }, { location: "ftp://files.example/" }, { location: "/", status: 200 }],
};

/** A table of options and of what is said about them. @throws Error for options that are not refused after all */
export function describeRefusals(name: RuntimeExportName): string {
  const rows = REFUSED[name].map((options) => [code(JSON.stringify(options)), prose(findRefusal(name, options))]);
  return table(["options", "problem"], rows);
}

/** How many checks of the schema none of the refused options meets. */
export function countChecksWithoutRefusal(name: RuntimeExportName): { all: number; silent: number } {
  const { options: schema } = RUNTIME_EXPORTS[name];
  return countSilentChecks(schema, () => {
    for (const options of REFUSED[name]) validateOptions<unknown>(schema, options, VARIABLES);
  });
}

const VARIABLES = { CDN_SECRET: "0123456789abcdef0123456789abcdef" };

function findRefusal(name: RuntimeExportName, options: JsonObject): string {
  const { options: schema } = RUNTIME_EXPORTS[name];
  const log: BuildLog = { problems: [], warnings: [] };
  reportIssues(findOptionIssues(schema, options), schema, options, { file: "", path: [], log });
  if (log.problems.length > 0) return log.problems.map(formatProblem).join("; ");
  const loaded = validateOptions<unknown>(schema, options, VARIABLES);
  if (loaded.ok) throw new Error(`options of ${name} are not refused: ${JSON.stringify(options)}`);
  const ofWorker = loaded.issues.map(({ path, message }) => `${formatJsonPath(path)}: ${message}`);
  return `when the worker loads: ${ofWorker.join("; ")}`;
}
