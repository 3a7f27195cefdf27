/** The demo's certificates, and a trust bundle in which the demo root is the account's one CA certificate. */
import { readFileSync } from "node:fs";
import { readOptional } from "../../edge-shim/files.ts";
import { type DemoPkiPaths, ensureDemoPki } from "../../fixtures/pki/demo-directory.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

/** What a gateway is a deployment of. */
export interface Deployment {
  account: string;
  project: string;
  environment: string;
}

export const DEFAULT_HOSTNAME = "localhost";
const DEMO_CA_ID = "mtlsca_demo";
export const DEMO_CA_NAME = "demo_ca";

/** Makes certificates and bundle where they are missing; a bundle that is there is left as it is. */
export async function ensureDemoTrust(state: StateDirectory, deployment: Deployment): Promise<DemoPkiPaths> {
  const paths = await ensureDemoPki(state.pkiPath);
  if (readOptional(state.trustBundlePath) === undefined) {
    const bundle = createDemoBundle(deployment, readFileSync(paths.clientCa, "utf8"));
    writePrivate(state.trustBundlePath, `${JSON.stringify(bundle, null, 2)}\n`);
  }
  return paths;
}

function createDemoBundle({ account, project }: Deployment, certificate: string): TrustBundle {
  return {
    format: 1,
    version: "demo-1",
    accounts: [
      {
        account,
        version: "demo-1",
        caCertificates: [{ id: DEMO_CA_ID, name: DEMO_CA_NAME, certificate }],
        domains: [
          { hostname: DEFAULT_HOSTNAME, project },
          { hostname: `${project}.${account}.localhost`, project },
        ],
      },
    ],
  };
}
