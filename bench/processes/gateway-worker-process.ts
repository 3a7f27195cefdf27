/**
 * The gateway worker (src/) of a generated project, built as `sallyport build` does and bundled as for a deployment.
 */
import { join } from "node:path";
import type { JSONWebKeySet } from "jose";
import { buildProject } from "../../cli/build/build-project.ts";
import { bundleForWorkerd } from "../../test/security/harness/workerd.ts";
import { type DirectWorker, startDirectWorker } from "./direct-worker.ts";
import { writeGeneratedProject } from "./generated-project.ts";
import { runAsChild } from "./run-as-child.ts";

export interface GatewayWorkerInput {
  /** Empty */
  directory: string;
  /** Public keys of the edge */
  jwks: JSONWebKeySet;
  /** How many there are */
  routes: number;
}

async function bundleProject({ directory, routes }: GatewayWorkerInput): Promise<string> {
  writeGeneratedProject(directory, routes);
  const entry = join(directory, "worker.ts");
  const built = await buildProject({ projectDir: directory, outFile: entry });
  if (!built.ok) throw new Error(`the generated project does not build: ${JSON.stringify(built.problems.slice(0, 3))}`);
  return await bundleForWorkerd(`export { default } from ${JSON.stringify(entry)};`);
}

runAsChild<GatewayWorkerInput, DirectWorker>(async (input) =>
  startDirectWorker({
    name: "gateway",
    script: await bundleProject(input),
    env: { SALLYPORT_EDGE_JWKS: { type: "text", value: JSON.stringify(input.jwks) } },
  }),
);
