/**
 * What the edge would know about a domain: the account's active domains and its CA set. From the control plane, where
 * nothing is assumed; or from files, without a control plane.
 */
import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { type infer as Infer, object, enum as oneOf, string } from "zod/mini";
import { type AccountCaSet, compileCaSet } from "../../edge-shim/trust/trust-store.ts";
import type { BundledCaCertificate } from "../../src/contract/trust-bundle.ts";
import { type ControlPlaneClient, toSegment } from "../api/client.ts";
import { Refusal } from "../api/refusal.ts";
import { CliError } from "../output.ts";
import { parseCertificateFile } from "./client-certificate-file.ts";

export interface TrustView {
  /** Undefined for CA certificates from files */
  readonly account: string | undefined;
  /** In the form of `parseHostname` */
  readonly domain: string;
  readonly isDomainActive: boolean;
  /** All of the account */
  readonly domains: readonly AccountDomain[];
  /** Applies on the account's active domains, and nowhere else */
  readonly caSet: AccountCaSet;
}

interface AccountDomain {
  readonly hostname: string;
  readonly project: string;
  readonly isActive: boolean;
}

/** What a local stack serves, under the name that needs no project to be spelled */
const DEFAULT_DOMAIN = "localhost";

/** @throws CliError for a file without a certificate */
export function readTrustFiles(paths: readonly string[], domain = DEFAULT_DOMAIN): TrustView {
  const caCertificates = paths.flatMap(readCaFile);
  return {
    account: undefined,
    domain,
    isDomainActive: true,
    domains: [],
    caSet: compileCaSet({ account: "", caCertificates }),
  };
}

function readCaFile(path: string): BundledCaCertificate[] {
  const { certificates } = parseCertificateFile(readFile(path), path);
  return certificates.map(({ x509 }, index) => ({
    id: index === 0 ? path : `${path}#${index + 1}`,
    name: basename(path, extname(path)),
    certificate: x509.toString(),
  }));
}

/** @throws CliError when there is no such file, or it may not be read */
export function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CliError(`"${path}" cannot be read: ${(cause as Error).message}`, "give the path of a PEM file");
  }
}

const caListItemSchema = object({ id: string() });
const caCertificateSchema = object({ id: string(), name: string(), certificate: string() });
const projectSchema = object({ name: string(), managedDomain: string() });
const customDomainSchema = object({ hostname: string(), project: string(), status: oneOf(["pending", "active"]) });

/** @param accountPath `/v1/accounts/<account>` @throws Refusal when the control plane does not answer as hoped */
export async function fetchTrustView(
  client: ControlPlaneClient,
  accountPath: string,
  wanted: { domain: string | undefined; project: string | undefined },
): Promise<TrustView> {
  const [caCertificates, projects, customDomains] = await Promise.all([
    fetchCaCertificates(client, `${accountPath}/ca-certificates`),
    client.list(`${accountPath}/projects`, projectSchema),
    client.list(`${accountPath}/custom-domains`, customDomainSchema),
  ]);
  const account = decodeURIComponent(accountPath.slice(accountPath.lastIndexOf("/") + 1));
  const domains = [
    ...projects.data.map(({ name, managedDomain }) => ({ hostname: managedDomain, project: name, isActive: true })),
    ...customDomains.data.map(({ hostname, project, status }) => ({
      hostname,
      project,
      isActive: status === "active",
    })),
  ];
  const domain = wanted.domain ?? chooseDomain(domains, wanted.project);
  return {
    account,
    domain,
    isDomainActive: domains.some(({ hostname, isActive }) => isActive && hostname === domain),
    domains,
    caSet: compileCaSet({ account, caCertificates }),
  };
}

/** The local stack's name, else one of the project, else any: an account's CA set is the same on all of them. */
function chooseDomain(domains: readonly AccountDomain[], project: string | undefined): string {
  const active = domains.filter(({ isActive }) => isActive);
  const chosen =
    active.find(({ hostname }) => hostname === DEFAULT_DOMAIN) ??
    active.find((domain) => domain.project === project) ??
    active[0];
  return chosen?.hostname ?? DEFAULT_DOMAIN;
}

/** Requests at a time */
const PARALLEL = 8;

async function fetchCaCertificates(client: ControlPlaneClient, path: string): Promise<BundledCaCertificate[]> {
  const { data } = await client.list(path, caListItemSchema);
  const found: BundledCaCertificate[] = [];
  for (let start = 0; start < data.length; start += PARALLEL) {
    const batch = data.slice(start, start + PARALLEL);
    const described = await Promise.all(batch.map(({ id }) => fetchCaCertificate(client, `${path}/${toSegment(id)}`)));
    found.push(...described.filter((ca) => ca !== undefined));
  }
  return found;
}

/** Undefined when it was deleted since it was listed. */
async function fetchCaCertificate(
  client: ControlPlaneClient,
  path: string,
): Promise<Infer<typeof caCertificateSchema> | undefined> {
  try {
    return await client.get(path, caCertificateSchema);
  } catch (failure) {
    if (failure instanceof Refusal && failure.document.code === "not_found") return undefined;
    throw failure;
  }
}
