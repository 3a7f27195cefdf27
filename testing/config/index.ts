/**
 * `sallyport/testing/config`: makes the vitest worker pool run a whole project. It builds the project as a deployment
 * would, and gives the worker a key of this run to trust, so that tests can speak for the edge.
 */
import { resolve } from "node:path";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import type { Plugin } from "vitest/config";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { buildProject } from "../../cli/build/build-project.ts";
import { formatProblem } from "../../cli/build/problem.ts";
import { COMPATIBILITY_DATE, findWranglerConfig } from "../../cli/stack/wrangler-config.ts";
import { createAssertionSigner, createSigningJwk } from "../../edge-shim/ingress/assertion-signer.ts";
import { findModule } from "../../edge-shim/module-path.ts";
import { TEST_EGRESS_URL, TEST_SIGNING_KEY } from "../variables.ts";

export interface GatewayTestOptions {
  /** The folder with `config/` and `modules/`; default the current one */
  project?: string;
  /** Variables of the worker, on top of those of its wrangler configuration */
  variables?: Readonly<Record<string, string>>;
  /** Of the worker; default `development`, in which answers say their reasons */
  environment?: string;
}

type WorkerOptions = ReturnType<typeof unstable_getMiniflareWorkerOptions>["workerOptions"];

/**
 * Plugins for `vitest.config.ts`. Tests then reach the gateway with `exports.default.fetch` of `cloudflare:workers`; what
 * changes in `config/` is seen by the next run.
 *
 * @throws Error with every problem of a project that does not build
 * @example
 * import { gatewayTest } from "sallyport/testing/config";
 * import { defineConfig } from "vitest/config";
 *
 * export default defineConfig({
 *   plugins: [gatewayTest({ variables: { ALB_BACKEND_URL: "https://alb.example", ALB_MTLS_CERT: "aws_alb" } })],
 * });
 */
export async function gatewayTest(options: GatewayTestOptions = {}): Promise<Plugin[]> {
  const projectDir = resolve(options.project ?? ".");
  const main = await build(projectDir);
  const worker = readWorkerOptions(projectDir);
  const bindings = {
    ...(worker.bindings as object | undefined),
    ...MOCKED_EGRESS,
    ...options.variables,
    ...(await createOwnVariables(options.environment ?? "development")),
  };
  return [createResolver(), cloudflareTest({ main, miniflare: { ...worker, bindings } })];
}

async function build(projectDir: string): Promise<string> {
  const result = await buildProject({ projectDir });
  if (result.ok) return result.outFile;
  throw new Error([`"${projectDir}" does not build`, ...result.problems.map(formatProblem)].join("\n"));
}

/** What `wrangler dev` would make of the project's configuration. mTLS bindings work on Cloudflare only; mocks stand for them. */
function readWorkerOptions(projectDir: string): Partial<WorkerOptions> {
  const configPath = findWranglerConfig(projectDir);
  if (configPath === undefined) return { compatibilityDate: COMPATIBILITY_DATE };
  const { workerOptions } = unstable_getMiniflareWorkerOptions(configPath);
  const { mtlsCertificates: _, modulesRules: __, name: ___, ...rest } = workerOptions;
  return rest;
}

async function createOwnVariables(environment: string): Promise<Record<string, string>> {
  const jwk = await createSigningJwk();
  const { jwks } = await createAssertionSigner(jwk);
  return {
    SALLYPORT_ENVIRONMENT: environment,
    SALLYPORT_EDGE_JWKS: JSON.stringify(jwks),
    [TEST_SIGNING_KEY]: JSON.stringify({ ...jwk, kid: jwks.keys[0]?.kid }),
  };
}

/** Origin mocks stand where it would be. Variables of a test may name a real one. */
const MOCKED_EGRESS = {
  SALLYPORT_EGRESS_URL: TEST_EGRESS_URL,
  SALLYPORT_EGRESS_TOKEN: "a-token-of-the-test-kit",
  SALLYPORT_EGRESS_PROJECT: "local/example",
};

/** The runtime under both of its names, and what has to be in place before it is loaded. */
function createResolver(): Plugin {
  const runtime = findModule("../../src/runtime/index.ts", import.meta.url);
  return {
    name: "sallyport",
    config: () => ({
      resolve: { alias: { "@zuplo/runtime": runtime, "@sallyport/runtime": runtime } },
      test: { setupFiles: [findModule("../worker/setup.ts", import.meta.url)] },
    }),
  };
}
