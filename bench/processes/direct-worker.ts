/**
 * A worker under Miniflare with a direct socket, so that requests go to workerd without Miniflare's entry worker in
 * between.
 */
import { Miniflare, type MiniflareOptions } from "miniflare";
import { readChildPids } from "./child-pids.ts";

export interface DirectWorker {
  /** `http://127.0.0.1:port` */
  url: string;
  /** Process id of workerd; undefined where the system does not tell */
  workerdPid: number | undefined;
}

export interface DirectWorkerOptions {
  name: string;
  /** An ES module */
  script: string;
  /** Of loopback; 0, the default, picks a free one */
  port?: number;
  /** Bindings, as Miniflare describes them */
  env?: Extract<MiniflareOptions["workers"][number], { config: object }>["config"]["env"];
}

export async function startDirectWorker({
  name,
  script,
  env,
  port = 0,
}: DirectWorkerOptions): Promise<{ output: DirectWorker; close: () => Promise<void> }> {
  const mainModule = `${name}.mjs`;
  const before = new Set(readChildPids(process.pid));
  const miniflare = new Miniflare({
    cf: false,
    workers: [
      {
        config: {
          name,
          compatibilityDate: "2026-10-01",
          manifest: { mainModule, modulesRoot: "/", modules: { [mainModule]: { type: "esm", contents: script } } },
          ...(env === undefined ? {} : { env }),
        },
        dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port }] },
      },
    ],
  });
  const { origin } = await miniflare.unsafeGetDirectURL(name);
  // Miniflare starts one process, workerd.
  const workerdPid = readChildPids(process.pid).find((pid) => !before.has(pid));
  return { output: { url: origin, workerdPid }, close: () => miniflare.dispose() };
}
