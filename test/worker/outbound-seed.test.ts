/** The second seed's snippets, letter for letter, against an egress that tells what it was asked for. */
import { describe, expect, it } from "vitest";
import type { ModuleReference } from "../../src/contract/project.ts";
import { moduleReferenceSchema } from "../../src/contract/project-files/module-reference.ts";
import { parseImportSelector } from "../../src/contract/project-files/selectors.ts";
import { EGRESS_VARIABLES, type Mirrored } from "./outbound.ts";
import * as seedEnvironmentHandler from "./seed-alb-environment-handler.ts";
import * as seedHandler from "./seed-alb-handler.ts";
import { project, route, startWorker, type TestWorker } from "./support.ts";

const FORWARD = `{ "handler": { "export": "urlForwardHandler", "module": "$import(@zuplo/runtime)", "options": { "baseUrl": "https://my-alb-1234567890.us-east-1.elb.amazonaws.com", "mtlsCertificate": "aws-alb-cert" } } }`;

const FORWARD_BY_ENVIRONMENT = `{ "handler": { "export": "urlForwardHandler", "module": "$import(@zuplo/runtime)", "options": { "baseUrl": "\${env.ALB_BACKEND_URL}", "mtlsCertificate": "$env(ALB_MTLS_CERT)" } } }`;

/** As `sallyport build` reads it. */
function readHandler(text: string): ModuleReference {
  const { handler } = JSON.parse(text) as { handler: unknown };
  const { module, options = {}, ...written } = moduleReferenceSchema.parse(handler);
  const selector = parseImportSelector(module);
  if (selector.kind !== "runtime") throw new Error(`${module} is not the runtime`);
  return { ...written, options, module: selector.module };
}

function startSeed(): TestWorker {
  const definition = project({
    routes: [
      route("/forward", { handler: readHandler(FORWARD) }),
      route("/forward-by-environment", { handler: readHandler(FORWARD_BY_ENVIRONMENT) }),
      route("/function", { handler: { module: "./modules/seed", export: "default" } }),
      route("/function-by-environment", { handler: { module: "./modules/seed-environment", export: "default" } }),
    ],
  });
  const modules = { "./modules/seed": seedHandler, "./modules/seed-environment": seedEnvironmentHandler };
  const variables = {
    ...EGRESS_VARIABLES,
    ALB_BACKEND_URL: "https://alb.example",
    ALB_MTLS_CERT: "alb_cert_of_environment",
  };
  return startWorker(definition, modules, { variables });
}

const ALB = "https://my-alb-1234567890.us-east-1.elb.amazonaws.com";

describe("the second seed", () => {
  it.each([
    ["/forward?a=1", `${ALB}/forward?a=1`, "aws-alb-cert"],
    ["/function", `${ALB}/api`, "aws-alb-cert"],
    ["/forward-by-environment?a=1", "https://alb.example/forward-by-environment?a=1", "alb_cert_of_environment"],
    ["/function-by-environment", "https://alb.example/api", "alb_cert_of_environment"],
  ])("sends %s to the ALB with its certificate", async (path, target, certificate) => {
    const response = await startSeed().fetch(path);
    expect(response.status).toBe(200);
    const { url, isEgress, call } = await response.json<Mirrored>();
    expect([isEgress, url]).toEqual([true, target]);
    expect(call).toMatchObject({
      certificate,
      project: "local/example",
      token: EGRESS_VARIABLES.SALLYPORT_EGRESS_TOKEN,
    });
  });
});
