/** A project as the second guide has it: routes that name certificates, functions that do, variables that choose. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FUNCTION = (url: string, certificate: string) => `
import { ZuploContext, ZuploRequest, environment } from "@zuplo/runtime";

export default async function (request: ZuploRequest, context: ZuploContext) {
  const response = await fetch(${url}, {
    zuplo: {
      mtlsCertificate: ${certificate},
    },
  });
  return response;
}
`;

/**
 * Writes it into `<folder>/project` and returns that path. Each of `certificates` has a route `/forward/<name>/*`;
 * `/function` names the first in a function, `/variable/*` and `/variable-function` take the name from a variable.
 */
export function createOutboundProject(folder: string, originUrl: string, certificates: readonly string[]): string {
  const path = join(folder, "project");
  const [first = ""] = certificates;
  for (const name of ["config", "modules"]) mkdirSync(join(path, name), { recursive: true });
  const forward = (baseUrl: string, mtlsCertificate: string) => ({
    export: "urlForwardHandler",
    module: "$import(@zuplo/runtime)",
    options: { baseUrl, mtlsCertificate },
  });
  const run = (module: string) => ({ export: "default", module: `$import(./modules/${module})`, options: {} });
  const paths = {
    ...Object.fromEntries(certificates.map((name) => [`/forward/${name}/*`, forward(originUrl, name)])),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the project's
    "/variable/*": forward("${env.ALB_BACKEND_URL}", "$env(ALB_MTLS_CERT)"),
    "/function": run("literal"),
    "/variable-function": run("variable"),
  };
  const document = {
    openapi: "3.1.0",
    info: { title: "Outbound", version: "1.0.0" },
    paths: Object.fromEntries(
      Object.entries(paths).map(([route, handler]) => [
        route,
        {
          "x-zuplo-path": { pathMode: "url-pattern" },
          get: { "x-zuplo-route": { corsPolicy: "none", handler, policies: { inbound: [] } } },
        },
      ]),
    ),
  };
  writeFileSync(join(path, "config", "routes.oas.json"), JSON.stringify(document));
  writeFileSync(
    join(path, "modules", "literal.ts"),
    FUNCTION(JSON.stringify(`${originUrl}/api`), JSON.stringify(first)),
  );
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the guide
  const fromEnvironment = FUNCTION("`${environment.ALB_BACKEND_URL}/api`", "environment.ALB_MTLS_CERT");
  writeFileSync(join(path, "modules", "variable.ts"), fromEnvironment);
  writeFileSync(join(path, ".dev.vars"), `ALB_BACKEND_URL=${originUrl}\nALB_MTLS_CERT=${first}\n`);
  return path;
}
