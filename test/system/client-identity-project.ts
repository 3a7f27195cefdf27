/** A project that tells origins about its clients and goes by tokens that are bound to certificates, and by a CDN. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const runtime = (name: string, options: object) => ({ export: name, module: "$import(@sallyport/runtime)", options });

export const AUDIENCE = "https://api.example.com";

/** Written into `<folder>/project`, whose path is returned. `server` answers as origin and as authorization server. */
export function createClientIdentityProject(folder: string, server: string, cdnSecret: string): string {
  const path = join(folder, "project");
  for (const name of ["config", "modules"]) mkdirSync(join(path, name), { recursive: true });
  const token = (name: string, source: object) => ({
    name,
    policyType: "certificate-bound-token-inbound",
    handler: runtime("CertificateBoundTokenInboundPolicy", { audience: AUDIENCE, ...source }),
  });
  const policies = [
    token("token", { issuer: server }),
    token("redirected", { jwksUrl: `${server}/redirect` }),
    token("hanging", { jwksUrl: `${server}/hang` }),
    {
      name: "cdn",
      policyType: "cdn-identity-inbound",
      handler: runtime("CdnIdentityInboundPolicy", {
        identityHeader: "x-verified-client",
        proof: { secret: { header: "x-cdn-secret", values: ["$env(CDN_SECRET)"] } },
      }),
    },
  ];
  const forward = (forwardClientCertificate: string, options = {}) =>
    runtime("urlForwardHandler", { baseUrl: server, forwardClientCertificate, ...options });
  const user = { export: "default", module: "$import(./modules/user)", options: {} };
  const routes: Record<string, object> = {
    "/none/*": { handler: forward("none") },
    "/leaf/*": { handler: forward("client-cert") },
    "/chain/*": { handler: forward("client-cert-and-chain", { followRedirects: true }) },
    "/alb/*": {
      handler: forward("client-cert-and-chain", {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the project's
        baseUrl: "${env.ALB_BACKEND_URL}",
        mtlsCertificate: "$env(ALB_MTLS_CERT)",
      }),
    },
    ...Object.fromEntries(
      policies.map(({ name }) => [`/${name}`, { handler: user, policies: { inbound: [name] } }] as const),
    ),
  };
  const paths = Object.fromEntries(
    Object.entries(routes).map(([route, definition]) => [
      route,
      { "x-zuplo-path": { pathMode: "url-pattern" }, get: { "x-zuplo-route": { corsPolicy: "none", ...definition } } },
    ]),
  );
  const document = { openapi: "3.1.0", info: { title: "Client identity", version: "1.0.0" }, paths };
  writeFileSync(join(path, "config", "routes.oas.json"), JSON.stringify(document));
  writeFileSync(join(path, "config", "policies.json"), JSON.stringify({ policies }));
  writeFileSync(join(path, "modules", "user.ts"), "export default (request) => ({ user: request.user });\n");
  writeFileSync(join(path, ".dev.vars"), `CDN_SECRET=${cdnSecret}\n`);
  return path;
}
