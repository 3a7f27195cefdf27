/** What `sallyport control` does. */
import { join } from "node:path";
import { createLogger } from "../../edge-shim/log.ts";
import { createEmbeddedControlPlane } from "../control/control-child.ts";
import { print } from "../output.ts";
import type { ControlFlags, StateFlags } from "./flags.ts";
import { createLifetime } from "./lifetime.ts";
import { reservePort } from "./ports.ts";
import { openStateDirectory } from "./state-directory.ts";

export interface ControlCommandFlags extends StateFlags, ControlFlags {
  host: string;
}

export async function runControl(flags: ControlCommandFlags): Promise<void> {
  const lifetime = createLifetime();
  const logger = createLogger(flags.logFormat);
  const state = openStateDirectory(flags.stateDir);
  const { host, managedDomainBase, dnsServer: dnsServers } = flags;
  const port = await reservePort(host, flags.controlPort, "--control-port");
  const control = createEmbeddedControlPlane(state, { host, port, managedDomainBase, dnsServers }, logger);
  try {
    await Promise.race([control.child.start(), lifetime.ended]);
    if (lifetime.isEnding()) return;
    print(`sallyport control plane on ${control.url}, described at ${control.url}/docs`);
    print(`\nIts admin key is in ${join(state.path, "admin-key")}. An edge needs a key of its own:`);
    print(
      `\n  curl -X POST ${control.url}/v1/api-keys -H "authorization: Bearer $(cat ${join(state.path, "admin-key")})" \\\n` +
        `    -H "content-type: application/json" -d '{ "name": "edge-1", "scope": "edge" }'\n`,
    );
    await lifetime.ended;
  } finally {
    await control.child.stop();
  }
}
