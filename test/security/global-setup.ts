/**
 * Starts the gateway worker of the example project, once: built by `sallyport build`, run by Miniflare's entry worker as
 * under `wrangler dev`. Each test file puts an edge of its own in front of it (harness/stack.ts), which signs with
 * the one key that the worker knows.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JWK } from "jose";
import { Miniflare, NoOpLog } from "miniflare";
import type { TestProject } from "vitest/node";
import { buildProject } from "../../cli/build/build-project.ts";
import { createAssertionSigner, createSigningJwk } from "../../edge-shim/ingress/assertion-signer.ts";
import { recordRequests } from "./harness/recording-worker.ts";
import { bundleForWorkerd, describeWorker, REPOSITORY } from "./harness/workerd.ts";

const SHELL = join(REPOSITORY, "test/security/harness/recording-worker.ts");

/** What test files are given. */
export interface RunningGateway {
  /** Of the worker's own port, which only the edge should reach */
  url: string;
  /** The same worker as a deployment of account `acme` and project `acme-project` alone; its clock can be set */
  pinnedUrl: string;
  /** The edge's private key */
  signingKey: JWK;
}

declare module "vitest" {
  interface ProvidedContext {
    gateway: RunningGateway;
  }
}

export default async function startGateway(project: TestProject): Promise<() => Promise<void>> {
  const script = await bundleExampleProject();
  const signingKey = await createSigningJwk();
  const { jwks } = await createAssertionSigner(signingKey);
  const variables = {
    SALLYPORT_ENVIRONMENT: "development",
    SALLYPORT_EDGE_JWKS: JSON.stringify(jwks),
    ALB_BACKEND_URL: "https://origin.invalid",
    ALB_MTLS_CERT: "aws_alb_cert",
  };
  const pinned = { ...variables, SALLYPORT_ACCOUNT: "acme", SALLYPORT_PROJECT: "acme-project" };
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    // The worker logs every refusal, and this is what these tests are full of
    log: new NoOpLog(),
    handleStructuredLogs() {},
    workers: [describeWorker("gateway", script, variables), describeWorker("pinned", script, pinned)],
  });
  const { origin: url } = await miniflare.ready;
  const { origin: pinnedUrl } = await miniflare.unsafeGetDirectURL("pinned");
  project.provide("gateway", { url, pinnedUrl, signingKey });
  return () => miniflare.dispose();
}

async function bundleExampleProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-security-"));
  const entry = join(folder, "worker.ts");
  try {
    const built = await buildProject({ projectDir: REPOSITORY, outFile: entry });
    if (!built.ok) throw new Error(`the example project does not build: ${JSON.stringify(built.problems)}`);
    return await bundleForWorkerd(`import gateway from ${JSON.stringify(entry)};
      import { ${recordRequests.name} } from ${JSON.stringify(SHELL)};
      export default ${recordRequests.name}(gateway);`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
