/** What a deployment to Cloudflare has to do, from what is wanted and what is there. Done twice, the second plan is empty but for the deploy. */
import type { CertificateFile } from "./certificate-files.ts";
import { fingerprintOf } from "./certificate-files.ts";
import type { AccountCertificate, CloudflareApi } from "./cloudflare-api.ts";

export interface PlannedCertificate {
  file: CertificateFile;
  /** In the account already; undefined for one to be uploaded */
  present: AccountCertificate | undefined;
  /** Ids of others in the account under the same name, as after a rotation */
  namesakes: readonly string[];
}

/** Host names of one zone on which clients are asked for certificates of one CA. */
export interface PlannedAssociation {
  ca: CertificateFile;
  zoneId: string;
  hostnames: readonly string[];
  /** There already, and kept; empty for a CA that is yet to be uploaded */
  present: readonly string[];
}

export interface DeployPlan {
  certificates: readonly PlannedCertificate[];
  associations: readonly PlannedAssociation[];
}

export interface Wanted {
  cas: readonly CertificateFile[];
  mtlsCertificates: readonly CertificateFile[];
  /** By the zone that each belongs to */
  hostnames: ReadonlyMap<string, readonly string[]>;
}

/** Asks, and changes nothing. */
export async function createPlan(
  api: CloudflareApi,
  { cas, mtlsCertificates, hostnames }: Wanted,
): Promise<DeployPlan> {
  const inAccount = await api.listCertificates();
  const certificates = [...cas, ...mtlsCertificates].map((file) => planCertificate(file, inAccount));
  const associations: PlannedAssociation[] = [];
  for (const ca of cas) {
    const id = certificates.find(({ file }) => file === ca)?.present?.id;
    for (const [zoneId, names] of hostnames) {
      const present = id === undefined ? [] : await api.listHostnames(zoneId, id);
      associations.push({ ca, zoneId, hostnames: names, present });
    }
  }
  return { certificates, associations };
}

function planCertificate(file: CertificateFile, inAccount: readonly AccountCertificate[]): PlannedCertificate {
  const alike = inAccount.filter((one) => isSame(file, one));
  const present = alike.find(({ name }) => name === file.name) ?? alike[0];
  const namesakes = inAccount.filter((one) => one.name === file.name && one.ca === isCa(file) && !alike.includes(one));
  return { file, present, namesakes: namesakes.map(({ id }) => id) };
}

/** The same bytes for the same use: names can be given twice. */
export function isSame(file: CertificateFile, { ca, certificates }: AccountCertificate): boolean {
  return ca === isCa(file) && fingerprintOf(certificates) === file.fingerprint;
}

export function isCa({ keyPath }: CertificateFile): boolean {
  return keyPath === undefined;
}

/** Of an association: what is not there yet. */
export function missingHostnames({ hostnames, present }: PlannedAssociation): string[] {
  return hostnames.filter((name) => !present.includes(name));
}
