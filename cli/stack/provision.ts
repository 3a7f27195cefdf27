/**
 * What a local stack has in its control plane: account, project, keys, the demo's CA, the host name `localhost`. Safe to
 * repeat; what a user changed or deleted since stays as the user left it.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readOptional } from "../../edge-shim/files.ts";
import { environmentTypeOf } from "../../src/contract/egress.ts";
import { CliError } from "../output.ts";
import { DEFAULT_HOSTNAME, DEMO_CA_NAME } from "./demo-trust.ts";
import type { DeploymentFlags as Deployment } from "./flags.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

export interface Provisioned {
  /** Path of the account's API key, for the CLI */
  apiKeyPath: string;
  edgeKey: string;
}

/** What earlier starts did, so that a CA which a user deleted does not come back. */
const recordSchema = z.object({
  demoCaFingerprint: z.string().optional(),
  localhostAccount: z.string().optional(),
});
type ProvisionRecord = z.infer<typeof recordSchema>;

/** @throws CliError when the control plane answers something unexpected */
export async function provision(
  control: { url: string; adminKey: string },
  state: StateDirectory,
  deployment: Deployment & { buildId: string },
  demoCaPath: string,
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
  const recordPath = join(state.path, "provisioned.json");
  const record = readRecord(recordPath);
  await uploadDemoCa(admin, accountPath, record, demoCaPath);
  await attachLocalhost(admin, record, deployment);
  await admin.ensure("PUT", `${accountPath}/projects/${project}/deployments/${deployment.environment}`, {
    environmentType: environmentTypeOf(deployment.environment),
    buildId: deployment.buildId,
  });
  writePrivate(recordPath, `${JSON.stringify(record)}\n`);
  return { apiKeyPath, edgeKey };
}

interface Admin {
  /** Conflicts and what is gone already count as done. */
  ensure(method: "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<void>;
  /** The new key */
  create(path: string, body: object): Promise<string>;
  find(path: string): Promise<{ id: string; name: string }[]>;
}

function createAdmin(url: string, key: string): Admin {
  async function send(method: string, path: string, body?: object): Promise<Response> {
    return fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body ? { "content-type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  }
  async function expectOk(response: Response, ...allowed: number[]): Promise<void> {
    if (response.ok || allowed.includes(response.status)) return;
    throw new CliError(`the control plane answered ${response.status}: ${await response.text()}`);
  }
  return {
    ensure: async (method, path, body) => expectOk(await send(method, path, body), 404, 409),
    async create(path, body) {
      const response = await send("POST", path, body);
      await expectOk(response);
      return ((await response.json()) as { key: string }).key;
    },
    async find(path) {
      const response = await send("GET", path);
      await expectOk(response);
      return ((await response.json()) as { data: { id: string; name: string }[] }).data;
    },
  };
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

async function uploadDemoCa(admin: Admin, accountPath: string, record: ProvisionRecord, path: string): Promise<void> {
  const certificate = readFileSync(path, "utf8");
  const fingerprint = `${accountPath} ${new X509Certificate(certificate).fingerprint256}`;
  if (record.demoCaFingerprint === fingerprint) return;
  const caPath = `${accountPath}/ca-certificates`;
  const outdated = (await admin.find(caPath)).find(({ name }) => name === DEMO_CA_NAME);
  if (outdated !== undefined) await admin.ensure("DELETE", `${caPath}/${outdated.id}`);
  await admin.ensure("POST", caPath, { name: DEMO_CA_NAME, certificate });
  record.demoCaFingerprint = fingerprint;
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

function readRecord(path: string): ProvisionRecord {
  try {
    return recordSchema.parse(JSON.parse(readOptional(path) ?? "{}"));
  } catch {
    return {};
  }
}
