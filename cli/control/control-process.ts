/**
 * The control-plane worker under Miniflare, in a process of its own: run by control-child.ts, which it tells when
 * requests are answered. The process can be killed at any time; what was answered is in the database.
 */

import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { findModule } from "../../edge-shim/module-path.ts";
import { endWithWorkerd } from "../../edge-shim/workers/end-with-workerd.ts";
import type { ControlProcessOptions } from "./control-child.ts";
import { startDnsBridge } from "./dns-bridge.ts";
import { applyMigrations } from "./migrations.ts";

const WORKER = findModule("../../src/control/worker.ts", import.meta.url);
const MAIN_MODULE = "control.js";
const DATABASE_ID = "sallyport-control";
const COMPATIBILITY_DATE = "2026-10-01";

async function bundleWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [WORKER],
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}

function text(value: string) {
  return { type: "text", value } as const;
}

const MASTER_KEY_VARIABLES = ["SALLYPORT_MASTER_KEY", "SALLYPORT_PREVIOUS_MASTER_KEY"];

/** From the environment, since arguments are seen by everybody on the machine. */
function readMasterKeys() {
  const given = MASTER_KEY_VARIABLES.map((name) => [name, process.env[name] ?? ""] as const);
  return Object.fromEntries(given.filter(([, key]) => key !== "").map(([name, key]) => [name, text(key)]));
}

async function main(options: ControlProcessOptions): Promise<void> {
  const [script, dnsBridgeUrl] = await Promise.all([bundleWorker(), startDnsBridge(options.dnsServers)]);
  const miniflare = new Miniflare({
    host: options.host,
    port: options.port,
    cf: false,
    logRequests: false,
    resourcePersistencePath: options.persistDir,
    workers: [
      {
        config: {
          name: "control",
          compatibilityDate: COMPATIBILITY_DATE,
          manifest: {
            mainModule: MAIN_MODULE,
            modulesRoot: "/",
            modules: { [MAIN_MODULE]: { type: "esm", contents: script } },
          },
          env: {
            DB: { type: "d1", id: DATABASE_ID },
            EDGE_NOTIFIER: { type: "durable-object", worker: "control", exportName: "EdgeNotifier" },
            SALLYPORT_DNS_RESOLVER_URL: text(dnsBridgeUrl),
            SALLYPORT_BOOTSTRAP_ADMIN_KEY_SHA256: text(options.adminKeySha256),
            SALLYPORT_MANAGED_DOMAIN_BASE: text(options.managedDomainBase),
            ...readMasterKeys(),
          },
          exports: { EdgeNotifier: { type: "durable-object", storage: "sqlite" } },
        },
      },
    ],
  });
  await miniflare.ready;
  await applyMigrations(await miniflare.getD1Database("DB"));
  endWithWorkerd({ host: options.host, port: options.port });
  process.send?.("ready");
}

await main(JSON.parse(process.argv[2] ?? "{}") as ControlProcessOptions);
