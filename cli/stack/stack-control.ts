/** The control plane of a stack: one of its own, filled with what the stack needs, or one elsewhere that is full already. */
import type { Logger } from "pino";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import { createEmbeddedControlPlane } from "../control/control-child.ts";
import { CliError } from "../output.ts";
import type { ControlFlags, DeploymentFlags } from "./flags.ts";
import { reservePort } from "./ports.ts";
import { type Build, provision } from "./provision.ts";
import type { StateDirectory } from "./state-directory.ts";

export interface StackControlFlags {
  /** Use this one instead of an embedded one */
  controlUrl?: string;
  /** An edge key of that control plane */
  apiKey?: string;
}

export interface StackControl {
  readonly url: string;
  readonly edgeKey: string;
  /** Where the account's API key lies; undefined for a control plane elsewhere */
  readonly apiKeyPath: string | undefined;
  stop(): Promise<void>;
}

interface StackControlOptions {
  state: StateDirectory;
  pki: DemoPkiPaths;
  build: Build;
  logger: Logger;
}

/** Resolves when it answers. @throws CliError when it cannot be used */
export async function startStackControl(
  flags: StackControlFlags & ControlFlags & DeploymentFlags,
  { state, pki, build, logger }: StackControlOptions,
): Promise<StackControl> {
  if (flags.controlUrl !== undefined) {
    if (flags.apiKey === undefined) {
      throw new CliError("--control-url needs an edge key", "give it with --api-key, or in SALLYPORT_EDGE_KEY");
    }
    return { url: flags.controlUrl, edgeKey: flags.apiKey, apiKeyPath: undefined, stop: async () => {} };
  }
  const port = await reservePort("127.0.0.1", flags.controlPort, "--control-port");
  const { managedDomainBase, dnsServer: dnsServers, account, project, environment } = flags;
  const control = createEmbeddedControlPlane(state, { port, managedDomainBase, dnsServers }, logger);
  try {
    await control.child.start();
    const provisioned = await provision(control, state, { account, project, environment, ...build }, pki);
    return { url: control.url, ...provisioned, stop: () => control.child.stop() };
  } catch (failure) {
    await control.child.stop();
    throw failure;
  }
}
