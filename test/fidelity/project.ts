/**
 * The project that every host serves: a route for each way in which `mtls-auth-inbound` can be configured, and one for
 * each way to an origin with a certificate.
 */
import { X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../../src/contract/project.ts";
import { REPOSITORY } from "../system/sallyport.ts";
import { type Identities, INTERMEDIATE_NAME, OTHER_NAME, ROOT_NAME } from "./identities.ts";

/** Certificates that the gateway presents to origins. */
export const PRESENTED_NAMES = ["accepted", "refused", "production_only"] as const;
export type PresentedName = (typeof PRESENTED_NAMES)[number];

export interface OriginUrls {
  /** Verifies clients; its own certificate is of the uploaded private CA */
  trusted: string;
  /** The same with a certificate of a CA that nobody uploaded */
  untrusted: string;
  /** Nothing listens */
  closed: string;
}

/** Options of the policy that stands before the route `/in/<name>`. */
function createInboundOptions(identities: Identities): Record<string, JsonObject> {
  const fingerprintOf = (name: "p256" | "oversized") =>
    identities[name].certificate === undefined
      ? ""
      : new X509Certificate(identities[name].certificate.der).fingerprint256;
  const root = { certIssuerDN: ROOT_NAME };
  const withSans = (...sans: string[]) => ({ ...root, allow: { sans } });
  return {
    issuer: root,
    "issuer-in-other-words": { certIssuerDN: "cn = FIDELITY-CA ,  o=example, C=us" },
    "issuer-in-other-order": { certIssuerDN: "C=US,O=Example,CN=fidelity-ca" },
    "issuer-of-variable": { certIssuerDN: "$env(FIDELITY_ISSUER)" },
    issuers: { certIssuerDNs: [INTERMEDIATE_NAME, OTHER_NAME] },
    pinned: { caCertificates: ["fid_root"] },
    "pinned-with-issuer": { ...root, caCertificates: ["fid_root", "fid_other"] },
    passthrough: { allowUnauthenticatedRequests: true },
    "passthrough-with-rules": { allowUnauthenticatedRequests: true, ...root, allow: { subjectDNs: ["CN=named"] } },
    fingerprint: {
      ...root,
      allow: {
        sha256Fingerprints: [fingerprintOf("p256"), fingerprintOf("oversized").replaceAll(":", "").toLowerCase()],
      },
    },
    subject: { ...root, allow: { subjectDNs: ["CN=client, O=example, C=US", "CN=Zo\\C3\\AB 🜁 Ünïcode,O=日本語"] } },
    "san-dns": withSans("dns:*.clients.example.com"),
    "san-uri": withSans("uri:spiffe://example.org/ns/prod/sa/api"),
    "san-email": withSans("email:ops@example.com"),
    "san-ip": withSans("ip:192.0.2.7", "ip:2001:db8:0:0::7"),
    "any-rule": {
      ...root,
      allow: { subjectDNs: ["CN=nobody"], sans: ["dns:*.test"], sha256Fingerprints: [fingerprintOf("p256")] },
    },
  };
}

/** A handler that forwards. */
function forward(baseUrl: string, options: JsonObject = {}, name = "urlForwardHandler"): JsonObject {
  const url = name === "urlRewriteHandler" ? { rewritePattern: baseUrl } : { baseUrl };
  return { export: name, module: "$import(@zuplo/runtime)", options: { ...url, ...options } };
}

const runModule = (name: string): JsonObject => ({ export: name, module: "$import(./modules/functions)", options: {} });

/** Handlers of `/out/<name>/*`. */
function createOutboundHandlers({ trusted, untrusted, closed }: OriginUrls): Record<string, JsonObject> {
  const accepted = { mtlsCertificate: "accepted" };
  return {
    forward: forward(trusted, accepted),
    rewrite: forward(`${trusted}/rewritten?from=\${e(pathname)}`, accepted, "urlRewriteHandler"),
    variable: forward(trusted, { mtlsCertificate: "$env(FIDELITY_CERTIFICATE)" }),
    unset: forward(trusted, { mtlsCertificate: "$env(FIDELITY_UNSET)" }),
    follow: forward(trusted, { ...accepted, followRedirects: true }),
    "no-search": forward(trusted, { ...accepted, forwardSearch: false }),
    "client-cert": forward(trusted, { ...accepted, forwardClientCertificate: "client-cert" }),
    "client-cert-and-chain": forward(trusted, { ...accepted, forwardClientCertificate: "client-cert-and-chain" }),
    "function-zuplo": runModule("zuplo"),
    "function-sallyport": runModule("sallyport"),
    "function-contradiction": runModule("contradiction"),
    "function-plain-http": runModule("plainHttp"),
    missing: forward(trusted, { mtlsCertificate: "nowhere" }),
    disabled: forward(trusted, { mtlsCertificate: "production_only" }),
    refused: forward(trusted, { mtlsCertificate: "refused" }),
    untrusted: forward(untrusted, accepted),
    closed: forward(closed, accepted),
  };
}

/** What a handler sees. */
const ECHO = `
import { ZuploContext, ZuploRequest } from "@zuplo/runtime";

export default async function (request: ZuploRequest, context: ZuploContext) {
  return {
    method: request.method,
    url: request.url,
    params: request.params,
    query: request.query,
    headers: Object.fromEntries([...request.headers].sort()),
    body: await request.text(),
    user: request.user ?? null,
    properties: context.incomingRequestProperties,
    route: context.route.path,
  };
}
`;

const FUNCTIONS = `
import { environment } from "@zuplo/runtime";

const origin = () => environment.FIDELITY_ORIGIN + "/of-function";

export const zuplo = () => fetch(origin(), { method: "POST", body: "of a function", zuplo: { mtlsCertificate: "accepted" } });
export const sallyport = () => fetch(origin(), { sallyport: { mtlsCertificate: environment.FIDELITY_CERTIFICATE } });
export const contradiction = () =>
  fetch(origin(), { sallyport: { mtlsCertificate: "accepted" }, zuplo: { mtlsCertificate: "refused" } });
export const plainHttp = () => fetch("http://localhost/", { sallyport: { mtlsCertificate: "accepted" } });
`;

/** Writes it into the folder. The same for every host, so that the build id is, too. */
export function writeProject(path: string, identities: Identities, origins: OriginUrls): void {
  for (const name of ["config", "modules"]) mkdirSync(join(path, name), { recursive: true });
  const inbound = createInboundOptions(identities);
  const policies = Object.entries(inbound).map(([name, options]) => ({
    name,
    policyType: "mtls-auth-inbound",
    handler: { export: "MTLSAuthInboundPolicy", module: "$import(@zuplo/runtime)", options },
  }));
  const echo = { export: "default", module: "$import(./modules/echo)", options: {} };
  const routes = Object.fromEntries([
    ["/in/open", createRoute(echo, [])],
    ...Object.keys(inbound).map((name) => [`/in/${name}`, createRoute(echo, [name])]),
    ...Object.entries(createOutboundHandlers(origins)).map(([name, handler]) => [
      `/out/${name}/*`,
      createRoute(handler, []),
    ]),
  ]);
  const document = { openapi: "3.1.0", info: { title: "Fidelity", version: "1.0.0" }, paths: routes };
  const write = (file: string, text: string) => writeFileSync(join(path, file), text);
  write("config/routes.oas.json", JSON.stringify(document));
  write("config/policies.json", JSON.stringify({ policies, corsPolicies: [] }));
  write("modules/echo.ts", ECHO);
  write("modules/functions.ts", FUNCTIONS);
  write("wrangler.json", JSON.stringify(createWranglerConfig(path, origins)));
}

function createRoute(handler: JsonObject, inbound: string[]): JsonObject {
  const operation = { "x-zuplo-route": { corsPolicy: "none", handler, policies: { inbound, outbound: [] } } };
  return { "x-zuplo-path": { pathMode: "url-pattern" }, get: operation, post: operation, head: operation };
}

function createWranglerConfig(path: string, { trusted }: OriginUrls) {
  const runtime = join(REPOSITORY, "src/runtime/index.ts");
  const command = [process.execPath, join(REPOSITORY, "cli/main.ts"), "build", "--project-dir", path];
  return {
    name: "fidelity",
    main: ".build/worker.ts",
    compatibility_date: "2026-10-01",
    send_metrics: false,
    alias: { "@zuplo/runtime": runtime, "@sallyport/runtime": runtime },
    build: { command: command.map((part) => `"${part}"`).join(" ") },
    vars: { FIDELITY_ISSUER: ROOT_NAME, FIDELITY_CERTIFICATE: "accepted", FIDELITY_ORIGIN: trusted },
  };
}
