/**
 * What a local stack has in its control plane: account, project, keys, the demo's certificates, the host name
 * `localhost`. Safe to repeat; what a user changed or deleted since stays as the user left it.
 */
import { join } from "node:path";
import { readOptional } from "../../edge-shim/files.ts";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import { environmentTypeOf } from "../../src/contract/egress.ts";
import { DEFAULT_HOSTNAME } from "./demo-trust.ts";
import type { DeploymentFlags as Deployment } from "./flags.ts";
import { type Admin, createAdmin } from "./local-admin.ts";
import { type ProvisionRecord, readRecord, uploadDemoCa, uploadDemoOrigin, writeRecord } from "./provision-demo.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

export interface Provisioned {
  /** Path of the account's API key, for the CLI */
  apiKeyPath: string;
  edgeKey: string;
}

/** What a build tells of a project's deployment. */
export interface Build {
  buildId: string;
  /** Literal names only, those of this start: what a later build of a running stack changes, the next start registers */
  mtlsCertificateNames: readonly string[];
}

/** @throws CliError when the control plane answers something unexpected */
export async function provision(
  control: { url: string; adminKey: string },
  state: StateDirectory,
  deployment: Deployment & Build,
  pki: DemoPkiPaths,
): Promise<Provisioned> {
  const admin = createAdmin(control.url, control.adminKey);
  const { account, project } = deployment;
  const accountPath = `/v1/accounts/${account}`;
  await admin.ensure("POST", "/v1/accounts", { name: account });
  await admin.ensure("POST", `${accountPath}/projects`, { name: project });
  const apiKeyPath = join(state.path, "api-key");
  await ensureKey(control.url, apiKeyPath, account, () =>
    admin.create(`${accountPath}/api-keys`, { name: "local stack" }),
  );
  const edgeKeyPath = join(state.path, "edge-key");
  const edgeKey = await ensureKey(control.url, edgeKeyPath, null, () =>
    admin.create("/v1/api-keys", { name: "local edge", scope: "edge" }),
  );
  const record = readRecord(state);
  await uploadDemoCa(admin, accountPath, record, pki.clientCa);
  await uploadDemoOrigin(admin, `${accountPath}/projects/${project}`, record, pki);
  await attachLocalhost(admin, record, deployment);
  await admin.ensure("PUT", `${accountPath}/projects/${project}/deployments/${deployment.environment}`, {
    environmentType: environmentTypeOf(deployment.environment),
    buildId: deployment.buildId,
    mtlsCertificateNames: deployment.mtlsCertificateNames,
  });
  writeRecord(state, record);
  return { apiKeyPath, edgeKey };
}

/** The key in the file if the control plane still knows it, for this account; a new one otherwise. */
async function ensureKey(
  url: string,
  path: string,
  account: string | null,
  create: () => Promise<string>,
): Promise<string> {
  const known = readOptional(path)?.trim();
  if (known !== undefined) {
    const response = await fetch(new URL("/v1/who-am-i", url), { headers: { authorization: `Bearer ${known}` } });
    if (response.ok && ((await response.json()) as { account: string | null }).account === account) return known;
  }
  const key = await create();
  writePrivate(path, `${key}\n`);
  return key;
}

/** `localhost` belongs to the account and project that this stack was last started for. */
async function attachLocalhost(admin: Admin, record: ProvisionRecord, { account, project }: Deployment): Promise<void> {
  const owner = `${account}/${project}`;
  if (record.localhostAccount === owner) return;
  const [previous] = record.localhostAccount?.split("/") ?? [];
  if (previous !== undefined) await admin.ensure("DELETE", domainPath(previous, DEFAULT_HOSTNAME));
  await admin.ensure("POST", domainPath(account), { hostname: DEFAULT_HOSTNAME, project, verified: true });
  record.localhostAccount = owner;
}

function domainPath(account: string, hostname?: string): string {
  return `/v1/accounts/${account}/custom-domains${hostname === undefined ? "" : `/${hostname}`}`;
}
