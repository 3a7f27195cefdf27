/** Code of ours, bundled as for a deployment and run by workerd. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { MiniflareOptions } from "miniflare";

export const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const RUNTIME = `${REPOSITORY}src/runtime/index.ts`;
const MAIN_MODULE = "worker.js";

/** The script of a worker whose main module is `contents`; imports are of absolute paths. */
export async function bundleForWorkerd(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: REPOSITORY },
    nodePaths: [`${REPOSITORY}node_modules`],
    alias: { "@zuplo/runtime": RUNTIME, "@sallyport/runtime": RUNTIME },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}

export function describeWorker(
  name: string,
  script: string,
  variables: Record<string, string> = {},
): MiniflareOptions["workers"][number] {
  const env = Object.entries(variables).map(([variable, value]) => [variable, { type: "text", value }] as const);
  return {
    config: {
      name,
      compatibilityDate: "2026-10-01",
      manifest: {
        mainModule: MAIN_MODULE,
        modulesRoot: "/",
        modules: { [MAIN_MODULE]: { type: "esm", contents: script } },
      },
      env: Object.fromEntries(env),
    },
    dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
  };
}
