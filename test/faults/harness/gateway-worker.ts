/** The gateway worker of the example project, built as `sallyport build` does, with its log in the hands of the test. */
import { join } from "node:path";
import { build } from "esbuild";
import type { JSONWebKeySet } from "jose";
import { Miniflare, NoOpLog } from "miniflare";
import { buildProject } from "../../../cli/build/build-project.ts";
import { createFolder, REPOSITORY } from "../../system/sallyport.ts";

export interface GatewayWorker extends AsyncDisposable {
  readonly url: string;
  /** What it logged, a line each */
  readonly log: string[];
}

const NAME = "gateway";
const MAIN_MODULE = "worker.js";

export async function startGatewayWorker(jwks: JSONWebKeySet): Promise<GatewayWorker> {
  const log: string[] = [];
  const text = (value: string) => ({ type: "text", value }) as const;
  const miniflare = new Miniflare({
    cf: false,
    log: new NoOpLog(),
    handleStructuredLogs: ({ message }) => void log.push(message),
    workers: [
      {
        config: {
          name: NAME,
          compatibilityDate: "2026-10-01",
          manifest: {
            mainModule: MAIN_MODULE,
            modulesRoot: "/",
            modules: { [MAIN_MODULE]: { type: "esm", contents: await bundleExampleProject() } },
          },
          env: {
            SALLYPORT_ENVIRONMENT: text("development"),
            SALLYPORT_EDGE_JWKS: text(JSON.stringify(jwks)),
            ALB_BACKEND_URL: text("https://origin.invalid"),
            ALB_MTLS_CERT: text("aws_alb_cert"),
          },
        },
        dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
      },
    ],
  });
  const { origin } = await miniflare.unsafeGetDirectURL(NAME);
  return { url: origin, log, [Symbol.asyncDispose]: () => miniflare.dispose() };
}

async function bundleExampleProject(): Promise<string> {
  using folder = createFolder();
  const entry = join(folder.path, "worker.ts");
  const built = await buildProject({ projectDir: REPOSITORY, outFile: entry });
  if (!built.ok) throw new Error(`the example project does not build: ${JSON.stringify(built.problems)}`);
  const runtime = join(REPOSITORY, "src/runtime/index.ts");
  const { outputFiles } = await build({
    entryPoints: [entry],
    nodePaths: [join(REPOSITORY, "node_modules")],
    alias: { "@zuplo/runtime": runtime, "@sallyport/runtime": runtime },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}
