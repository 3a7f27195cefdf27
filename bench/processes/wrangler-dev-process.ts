/**
 * `wrangler dev` with HTTPS, which is what one has without an edge. It runs the trivial worker itself and cannot ask for
 * client certificates.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findFreePort } from "../../cli/stack/ports.ts";
import { createLogger } from "../../edge-shim/log.ts";
import { createWranglerDev } from "../../edge-shim/workers/wrangler-dev.ts";
import { readChildPids } from "./child-pids.ts";
import type { IngressInput, IngressOutput } from "./ingress.ts";
import { runAsChild } from "./run-as-child.ts";
import { writeTlsFiles } from "./tls-files.ts";
import { TRIVIAL_WORKER } from "./trivial-worker.ts";

function readDescendants(pid: number): number[] {
  return readChildPids(pid).flatMap((child) => [child, ...readDescendants(child)]);
}

runAsChild<Omit<IngressInput, "upstreamUrl">, IngressOutput>(async ({ tls, directory }) => {
  const port = await findFreePort();
  const configPath = join(directory, "wrangler.toml");
  writeFileSync(
    configPath,
    `name = "trivial"\nmain = "trivial.mjs"\ncompatibility_date = "2026-10-01"\n[dev]\nlocal_protocol = "https"\n`,
  );
  writeFileSync(join(directory, "trivial.mjs"), TRIVIAL_WORKER);
  const files = writeTlsFiles(directory, tls);
  Object.assign(process.env, { WRANGLER_HTTPS_KEY_PATH: files.key, WRANGLER_HTTPS_CERT_PATH: files.cert });
  const wrangler = createWranglerDev({
    projectDir: directory,
    configPath,
    port,
    envFiles: [],
    persistDir: join(directory, "state"),
    logger: createLogger("json"),
  });
  await wrangler.start();
  return { output: { port, pids: readDescendants(process.pid) }, close: () => wrangler.stop() };
});
