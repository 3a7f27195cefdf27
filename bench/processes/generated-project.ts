/**
 * A project with as many routes as are wanted. Each has the policy mtls-auth-inbound, and a handler that answers what the
 * trivial worker does.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SMALL_JSON } from "./worker-answers.ts";

/** Of the CA that issues the certificates of a benchmark's clients. */
export const CLIENT_CA_SUBJECT = "CN=bench-ca,O=Example,C=US";

const POLICY = "mtls-auth";
const POLICIES = {
  policies: [
    {
      name: POLICY,
      policyType: "mtls-auth-inbound",
      handler: {
        export: "MTLSAuthInboundPolicy",
        module: "$import(@zuplo/runtime)",
        options: { allowUnauthenticatedRequests: false, certIssuerDN: CLIENT_CA_SUBJECT },
      },
    },
  ],
};
const ANSWER_MODULE = `
const headers = { "content-type": "application/json" };
export default async function () {
  return new Response('${SMALL_JSON}', { headers });
}
`;

/** Of a route, by its number. */
export function routePath(index: number): string {
  return `/v1/resource-${index}/items`;
}

function describeRoutes(count: number): object {
  const route = {
    corsPolicy: "none",
    handler: { export: "default", module: "$import(./modules/answer)", options: {} },
    policies: { inbound: [POLICY] },
  };
  const paths = Array.from({ length: count }, (_, index) => {
    const get = { summary: "Generated", operationId: `route-${index}`, "x-zuplo-route": route };
    return [routePath(index), { "x-zuplo-path": { pathMode: "open-api" }, get }];
  });
  return { openapi: "3.1.0", info: { title: "Generated", version: "1.0.0" }, paths: Object.fromEntries(paths) };
}

/** @param directory empty */
export function writeGeneratedProject(directory: string, routes: number): void {
  for (const folder of ["config", "modules"]) mkdirSync(join(directory, folder));
  writeFileSync(join(directory, "config/policies.json"), JSON.stringify(POLICIES));
  writeFileSync(join(directory, "config/routes.oas.json"), JSON.stringify(describeRoutes(routes)));
  writeFileSync(join(directory, "modules/answer.ts"), ANSWER_MODULE);
}
