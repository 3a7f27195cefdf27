/** The gateway worker of the example project, built as `sallyport build` does, with its log in the hands of the test. */
import { join } from "node:path";
import type { JSONWebKeySet } from "jose";
import { Miniflare, NoOpLog } from "miniflare";
import { buildProject } from "../../../cli/build/build-project.ts";
import { bundleForWorkerd, describeWorker } from "../../security/harness/workerd.ts";
import { createFolder, REPOSITORY } from "../../system/sallyport.ts";

export interface GatewayWorker extends AsyncDisposable {
  readonly url: string;
  /** What it logged, a line each */
  readonly log: string[];
}

const NAME = "gateway";

export async function startGatewayWorker(jwks: JSONWebKeySet): Promise<GatewayWorker> {
  const log: string[] = [];
  const variables = {
    SALLYPORT_ENVIRONMENT: "development",
    SALLYPORT_EDGE_JWKS: JSON.stringify(jwks),
    ALB_BACKEND_URL: "https://origin.invalid",
    ALB_MTLS_CERT: "aws_alb_cert",
  };
  const miniflare = new Miniflare({
    cf: false,
    log: new NoOpLog(),
    handleStructuredLogs: ({ message }) => void log.push(message),
    workers: [describeWorker(NAME, await bundleExampleProject(), variables)],
  });
  const { origin } = await miniflare.unsafeGetDirectURL(NAME);
  return { url: origin, log, [Symbol.asyncDispose]: () => miniflare.dispose() };
}

async function bundleExampleProject(): Promise<string> {
  using folder = createFolder();
  const entry = join(folder.path, "worker.ts");
  const built = await buildProject({ projectDir: REPOSITORY, outFile: entry });
  if (!built.ok) throw new Error(`the example project does not build: ${JSON.stringify(built.problems)}`);
  return await bundleForWorkerd(`export { default } from ${JSON.stringify(entry)};`);
}
