/**
 * The configuration that wrangler deploys with: the project's own, with the bindings and variables of this deployment. Written beside it, so
 * that its paths mean the same, and removed after; the project's own file is not touched.
 */
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeWhole } from "../../edge-shim/files.ts";
import { CliError } from "../output.ts";

const DEPLOY_CONFIG = ".wrangler.sallyport-deploy.json";
const PUBLIC_MODE = 0o644;

/** Of an edge: on Cloudflare there is none, and beside Cloudflare's own source the worker would serve nothing. */
const EDGE_VARIABLES = [
  "SALLYPORT_EDGE_JWKS",
  "SALLYPORT_EGRESS_URL",
  "SALLYPORT_EGRESS_TOKEN",
  "SALLYPORT_EGRESS_PROJECT",
];

export interface RawConfig extends Record<string, unknown> {
  name?: string;
  account_id?: string;
  vars?: Record<string, unknown>;
  mtls_certificates?: MtlsBinding[];
}

export interface MtlsBinding {
  binding: string;
  certificate_id: string;
}

/** @throws Error when the file is not what wrangler can read */
export async function readRawConfig(path: string): Promise<RawConfig> {
  const { experimental_readRawConfig } = await import("wrangler");
  return experimental_readRawConfig({ config: path }).rawConfig as RawConfig;
}

export interface Deployment {
  worker: string;
  variables: Readonly<Record<string, string>>;
  bindings: readonly MtlsBinding[];
}

/** A binding of this deployment replaces one of that name. @throws CliError for variables of an edge */
export function createDeployConfig(own: RawConfig, { worker, variables, bindings }: Deployment): RawConfig {
  const unwanted = EDGE_VARIABLES.filter((name) => name in (own.vars ?? {}));
  if (unwanted.length > 0) {
    throw new CliError(
      `${unwanted.join(", ")} in the project's configuration: on Cloudflare there is no edge in front of the worker`,
      "take them out of [vars]; for a worker behind the edge they come with --env-file .sallyport/worker.env",
    );
  }
  const kept = (own.mtls_certificates ?? []).filter(
    ({ binding }) => !bindings.some((added) => added.binding === binding),
  );
  return {
    ...own,
    name: worker,
    vars: { ...own.vars, ...variables },
    mtls_certificates: [...kept, ...bindings],
  };
}

export interface WrittenConfig extends Disposable {
  path: string;
}

export function writeDeployConfig(ownPath: string, config: RawConfig): WrittenConfig {
  const path = join(dirname(ownPath), DEPLOY_CONFIG);
  writeWhole(path, `${JSON.stringify(config, null, 2)}\n`, PUBLIC_MODE);
  return { path, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
