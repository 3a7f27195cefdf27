/** The demo's certificates; and for an edge without a control plane, a bundle in which the demo root is the one CA. */
import { readFileSync } from "node:fs";
import { readOptional } from "../../edge-shim/files.ts";
import { type DemoPkiPaths, ensureDemoPki } from "../../fixtures/pki/demo-directory.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import type { DeploymentFlags } from "./flags.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

export const DEFAULT_HOSTNAME = "localhost";
export const DEMO_CA_NAME = "demo_ca";
const DEMO_CA_ID = "mtlsca_demo";

export function ensureDemoPkiOf(state: StateDirectory): Promise<DemoPkiPaths> {
  return ensureDemoPki(state.pkiPath);
}

/** The path of the bundle; one that is there is left as it is. */
export function ensureDemoBundle(
  state: StateDirectory,
  { account, project }: DeploymentFlags,
  pki: DemoPkiPaths,
): string {
  const path = state.trustBundlePath;
  if (readOptional(path) !== undefined) return path;
  const bundle: TrustBundle = {
    format: 1,
    version: "demo-1",
    accounts: [
      {
        account,
        version: "demo-1",
        caCertificates: [{ id: DEMO_CA_ID, name: DEMO_CA_NAME, certificate: readFileSync(pki.clientCa, "utf8") }],
        domains: [
          { hostname: DEFAULT_HOSTNAME, project },
          { hostname: `${project}.${account}.localhost`, project },
        ],
      },
    ],
  };
  writePrivate(path, `${JSON.stringify(bundle, null, 2)}\n`);
  return path;
}
