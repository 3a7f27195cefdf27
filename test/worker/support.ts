/** Builders for the tests of the gateway worker: projects, assertions signed with a key of this run, requests. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { type AssertionSigningKey, type EdgeAssertion, signEdgeAssertion } from "../../src/contract/edge-assertion.ts";
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import type {
  JsonObject,
  ModuleReference,
  PolicyDefinition,
  ProjectDefinition,
  ProjectModules,
  RouteDefinition,
} from "../../src/contract/project.ts";
import { NO_CLIENT_CERTIFICATE, type TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import type { RequestHandler } from "../../src/runtime/context.ts";
import { createWorker } from "../../src/worker.ts";

export const HOST = "api.example.com";
export const NOW = new Date("2026-06-01T12:00:00Z");
export const ISSUER = "CN=example-ca,O=Example,C=US";

export function project(parts: Partial<ProjectDefinition> = {}): ProjectDefinition {
  return { buildId: "build-1", routes: [], policies: [], corsPolicies: [], ...parts };
}

interface RouteParts {
  method?: string;
  pathMode?: RouteDefinition["pathMode"];
  corsPolicy?: string;
  handler?: ModuleReference;
  inbound?: string[];
  outbound?: string[];
}

export function route(path: string, parts: RouteParts = {}): RouteDefinition {
  return {
    path,
    pathMode: parts.pathMode ?? "open-api",
    method: parts.method ?? "GET",
    operationId: `${parts.method ?? "GET"} ${path}`,
    corsPolicy: parts.corsPolicy ?? "none",
    handler: parts.handler ?? { module: "./modules/handler", export: "default" },
    policies: { inbound: parts.inbound ?? [], outbound: parts.outbound ?? [] },
    raw: { summary: "as in the file" },
  };
}

export function runtimePolicy(name: string, exportName: string, options: JsonObject): PolicyDefinition {
  return { name, policyType: "test", handler: { module: "@zuplo/runtime", export: exportName, options } };
}

export function mtlsPolicy(name: string, options: JsonObject): PolicyDefinition {
  return runtimePolicy(name, "MTLSAuthInboundPolicy", options);
}

export function userPolicy(name: string, options?: JsonObject): PolicyDefinition {
  const handler = { module: "./modules/policies", export: name, ...(options && { options }) };
  return { name, policyType: "custom-code", handler };
}

/** What a request looks like to a handler. */
export const echo: RequestHandler = (request, context) => ({
  method: request.method,
  url: request.url,
  headers: Object.fromEntries(request.headers),
  params: request.params,
  query: request.query,
  user: request.user,
  properties: context.incomingRequestProperties,
  cf: request.cf,
});

const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
export const edgeKey = createSigningKey(privateKey, "edge-1");
export const edgePublicJwk: JWK = { ...(await exportJWK(publicKey)), kid: "edge-1" };
export const edgePrivateJwk: JWK = { ...(await exportJWK(privateKey)), kid: "edge-1" };

export const EDGE_VARIABLES = {
  SALLYPORT_ENVIRONMENT: "development",
  SALLYPORT_EDGE_JWKS: JSON.stringify({ keys: [edgePublicJwk] }),
};

export const CLOUDFLARE_VARIABLES = {
  SALLYPORT_ENVIRONMENT: "development",
  SALLYPORT_CLIENT_CERTIFICATE_SOURCE: "cloudflare",
};

export const FINGERPRINT = "ab".repeat(32);

/** A certificate that verified, without DER behind it. */
export function verifiedClient(parts: Partial<TlsClientAuth> = {}): TlsClientAuth {
  return {
    ...NO_CLIENT_CERTIFICATE,
    certPresented: "1",
    certVerified: "SUCCESS",
    certIssuerDN: ISSUER.replaceAll(",", ", "),
    certIssuerDNRFC2253: ISSUER,
    certSubjectDN: "CN=client, O=Example, C=US",
    certSubjectDNRFC2253: "CN=client,O=Example,C=US",
    certFingerprintSHA256: FINGERPRINT,
    certNotBefore: "Jan  1 00:00:00 2026 GMT",
    certNotAfter: "Jan 31 00:00:00 2027 GMT",
    certRFC9440: ":AAAA:",
    ...parts,
  };
}

export function assertionFor(tlsClientAuth: TlsClientAuth, parts: Partial<EdgeAssertion> = {}): EdgeAssertion {
  return {
    audience: HOST,
    account: "local",
    project: "example",
    environment: "development",
    client: { address: "192.0.2.1", httpProtocol: "HTTP/2" },
    tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
    trustAnchors: tlsClientAuth.certVerified === "SUCCESS" ? [{ id: "mtlsca_1", name: "demo_ca" }] : [],
    tlsClientAuth,
    ...parts,
  };
}

export function createSigningKey(key: CryptoKey, keyId: string): AssertionSigningKey {
  return {
    keyId,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, new Uint8Array(bytes))),
  };
}

export function sign(assertion: EdgeAssertion, now = NOW): Promise<string> {
  return signEdgeAssertion(assertion, edgeKey, Math.floor(now.getTime() / 1000));
}

/** A request as the edge forwards it: plain HTTP, the client's Host, one assertion. */
export function throughEdge(path: string, token: string, init: RequestInit = {}): Request {
  const headers = new Headers(init.headers);
  if (!headers.has("host")) headers.set("host", HOST);
  headers.append(EDGE_ASSERTION_HEADER, token);
  return new Request(`http://worker.internal${path}`, { redirect: "manual", ...init, headers });
}

export interface TestWorker {
  fetch(request: Request | string): Promise<Response>;
}

interface WorkerParts {
  variables?: Record<string, unknown>;
  now?: () => Date;
}

/** `fetch` returns when everything given to `waitUntil` is done. */
export function startWorker(
  definition: ProjectDefinition,
  modules: ProjectModules,
  { variables = EDGE_VARIABLES, now = () => NOW }: WorkerParts = {},
): TestWorker {
  const worker = createWorker(definition, modules, { variables, now });
  return {
    async fetch(input) {
      const request = typeof input === "string" ? new Request(`https://${HOST}${input}`) : input;
      const context = createExecutionContext();
      const response = await worker.fetch(request as Parameters<typeof worker.fetch>[0], {}, context);
      await waitOnExecutionContext(context);
      return response;
    },
  };
}

/** A worker whose routes all have one handler. */
export function startRoutes(handler: RequestHandler, ...routes: RouteDefinition[]): TestWorker {
  return startWorker(project({ routes }), { "./modules/handler": { default: handler } });
}
