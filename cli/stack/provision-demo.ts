/**
 * The demo's certificates in the control plane: the CA that clients come from, the certificate that the gateway presents
 * to the demo's origin, and the CA of that origin. Each is uploaded once, and again when the demo made a new one: what a
 * user deleted does not come back.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readOptional } from "../../edge-shim/files.ts";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import { ENVIRONMENT_TYPES } from "../../src/contract/egress.ts";
import { DEMO_MTLS_CERTIFICATE_NAME, DEMO_ORIGIN_CA_NAME } from "./demo-origin.ts";
import { DEMO_CA_NAME } from "./demo-trust.ts";
import type { Admin } from "./local-admin.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

/** What earlier starts did. The last three are where it went, and the certificate's fingerprint. */
const recordSchema = z.object({
  localhostAccount: z.string().optional(),
  demoCaFingerprint: z.string().optional(),
  originCaFingerprint: z.string().optional(),
  originClientFingerprint: z.string().optional(),
});
export type ProvisionRecord = z.infer<typeof recordSchema>;

export function readRecord(state: StateDirectory): ProvisionRecord {
  try {
    return recordSchema.parse(JSON.parse(readOptional(recordPath(state)) ?? "{}"));
  } catch {
    return {};
  }
}

export function writeRecord(state: StateDirectory, record: ProvisionRecord): void {
  writePrivate(recordPath(state), `${JSON.stringify(record)}\n`);
}

function recordPath(state: StateDirectory): string {
  return join(state.path, "provisioned.json");
}

export function uploadDemoCa(admin: Admin, accountPath: string, record: ProvisionRecord, path: string): Promise<void> {
  const ca = {
    name: DEMO_CA_NAME,
    listPath: `${accountPath}/ca-certificates`,
    certificate: readFileSync(path, "utf8"),
  };
  return uploadCa(admin, ca, record, "demoCaFingerprint");
}

export async function uploadDemoOrigin(
  admin: Admin,
  projectPath: string,
  record: ProvisionRecord,
  pki: DemoPkiPaths,
): Promise<void> {
  const certificate = readFileSync(pki.originCa, "utf8");
  const ca = { name: DEMO_ORIGIN_CA_NAME, listPath: `${projectPath}/origin-cas`, certificate };
  await uploadCa(admin, ca, record, "originCaFingerprint");
  await uploadClientCertificate(admin, `${projectPath}/mtls-certificates`, record, pki);
}

interface DemoCa {
  name: string;
  listPath: string;
  certificate: string;
}

async function uploadCa(
  admin: Admin,
  { name, listPath, certificate }: DemoCa,
  record: ProvisionRecord,
  field: "demoCaFingerprint" | "originCaFingerprint",
): Promise<void> {
  const fingerprint = describeUpload(listPath, certificate);
  if (record[field] === fingerprint) return;
  const outdated = (await admin.find(listPath)).find((uploaded) => uploaded.name === name);
  if (outdated !== undefined) await admin.ensure("DELETE", `${listPath}/${outdated.id}`);
  await admin.ensure("POST", listPath, { name, certificate });
  record[field] = fingerprint;
}

/** A new certificate of the demo is a new version of the one that is there: a deployment may be using its name. */
async function uploadClientCertificate(
  admin: Admin,
  listPath: string,
  record: ProvisionRecord,
  pki: DemoPkiPaths,
): Promise<void> {
  const certificate = readFileSync(pki.originClientCert, "utf8");
  const fingerprint = describeUpload(listPath, certificate);
  if (record.originClientFingerprint === fingerprint) return;
  const pair = { certificate, privateKey: readFileSync(pki.originClientKey, "utf8") };
  const outdated = (await admin.find(listPath)).find(({ name }) => name === DEMO_MTLS_CERTIFICATE_NAME);
  if (outdated !== undefined) await admin.ensure("PATCH", `${listPath}/${outdated.id}`, pair);
  else {
    const environmentTypes = ENVIRONMENT_TYPES;
    await admin.ensure("POST", listPath, { name: DEMO_MTLS_CERTIFICATE_NAME, environmentTypes, ...pair });
  }
  record.originClientFingerprint = fingerprint;
}

function describeUpload(listPath: string, certificate: string): string {
  return `${listPath} ${new X509Certificate(certificate).fingerprint256}`;
}
