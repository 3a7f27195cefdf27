/** A control plane whose state directory is the test's, so that it can be ended, backed up, restored and started again. */
import { join } from "node:path";
import pino from "pino";
import { createEmbeddedControlPlane } from "../../cli/control/control-child.ts";
import { findFreePort } from "../../cli/stack/ports.ts";
import { openStateDirectory } from "../../cli/stack/state-directory.ts";

export interface KeptControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly adminKey: string;
  create(path: string, body: object): Promise<number>;
  names(path: string): Promise<string[]>;
}

export async function startIn(stateDir: string): Promise<KeptControlPlane> {
  const { url, adminKey, child } = createEmbeddedControlPlane(
    openStateDirectory(stateDir),
    { port: await findFreePort(), managedDomainBase: "localhost", dnsServers: [] },
    pino({ level: "silent" }),
  );
  await child.start();
  const headers = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" };
  return {
    url,
    adminKey,
    async create(path, body) {
      const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
      await response.arrayBuffer();
      return response.status;
    },
    async names(path) {
      const { data } = (await (await fetch(`${url}${path}?limit=1000`, { headers })).json()) as { data: Named[] };
      return data.map(({ name }) => name);
    },
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

interface Named {
  name: string;
}

/** As `sallyport control` keeps it. */
export function masterKeyPath(stateDir: string): string {
  return join(stateDir, "master-key");
}
