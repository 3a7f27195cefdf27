/**
 * What `sallyport deploy cloudflare` does: reads what is wanted and what is there, shows the difference, and after a yes makes it so. Each
 * step finds what an earlier run did, so that a run that broke off is simply repeated.
 */
import { relative, resolve } from "node:path";
import { parseHostname } from "../../src/contract/hostname.ts";
import { askConfirmation, isTerminal } from "../login/ask.ts";
import { CliError, hint, note, print, warning } from "../output.ts";
import { buildOrExplain } from "../stack/build-or-explain.ts";
import { findWranglerConfig } from "../stack/wrangler-config.ts";
import { type CertificateFile, readCaFlag, readMtlsFlag } from "./certificate-files.ts";
import { type CloudflareAccount, readCloudflareAccount } from "./cloudflare-account.ts";
import { type CloudflareApi, createCloudflareApi } from "./cloudflare-api.ts";
import { createDeployConfig, type RawConfig, readRawConfig, writeDeployConfig } from "./deploy-config.ts";
import { createPlan, type DeployPlan, isCa, isSame, missingHostnames } from "./plan.ts";
import { runWrangler } from "./run-wrangler.ts";
import { formatPlan } from "./show-plan.ts";

export interface DeployFlags {
  projectDir: string;
  /** Name of the worker; default: the configuration's */
  name?: string;
  environment: string;
  ca: string[];
  mtlsCertificate: string[];
  hostname: string[];
  dryRun: boolean;
  yes: boolean;
}

interface Project {
  path: string;
  configPath: string;
  config: RawConfig;
  worker: string;
}

export async function deployToCloudflare(flags: DeployFlags): Promise<void> {
  const project = await readProject(flags);
  const cas = flags.ca.map(readCaFlag);
  const mtlsCertificates = flags.mtlsCertificate.map(readMtlsFlag);
  checkNames([...cas, ...mtlsCertificates], flags);
  await checkNamedCertificates(project, mtlsCertificates);
  const variables = {
    SALLYPORT_CLIENT_CERTIFICATE_SOURCE: "cloudflare",
    SALLYPORT_ENVIRONMENT: flags.environment,
  };
  createDeployConfig(project.config, { worker: project.worker, variables, bindings: [] });
  const account = readCloudflareAccount(process.env, project.config.account_id);
  const api = createCloudflareApi(account);
  const plan = await createPlan(api, { cas, mtlsCertificates, hostnames: await groupByZone(api, flags.hostname) });
  const configPath = relative(process.cwd(), project.configPath);
  print(formatPlan(plan, { worker: project.worker, configPath, variables }));
  if (flags.ca.length > 0 && !hasRoutes(project.config)) {
    warning("without routes the worker is at workers.dev alone, where Cloudflare asks no client for a certificate");
    hint(
      `set routes in ${configPath}: [{ pattern = "${flags.hostname[0] ?? "api.example.com"}", custom_domain = true }]`,
    );
  }
  if (flags.dryRun) return note("nothing was changed: --dry-run");
  if (!(await isAgreed(flags))) return note("nothing was changed");
  const bindings = await carryOut(plan, { api, account, cwd: project.path });
  using written = writeDeployConfig(
    project.configPath,
    createDeployConfig(project.config, { worker: project.worker, variables, bindings }),
  );
  print(await runWrangler(["deploy", `--config=${written.path}`], project.path, account.accountId));
  note(`deployed ${project.worker}; "${configPath}" is as it was`);
}

async function readProject({ projectDir, name }: DeployFlags): Promise<Project> {
  const path = resolve(projectDir);
  const configPath = findWranglerConfig(path);
  if (configPath === undefined) {
    throw new CliError(
      `"${path}" has no wrangler.toml, wrangler.json or wrangler.jsonc`,
      "write one that names the worker: name, main and compatibility_date, as sallyport init does",
    );
  }
  const config = await readRawConfig(configPath);
  const worker = name ?? config.name;
  if (worker === undefined) throw new CliError(`"${configPath}" names no worker`, "set name in it, or give --name");
  return { path, configPath, config, worker };
}

function checkNames(files: readonly CertificateFile[], { ca, hostname }: DeployFlags): void {
  const names = files.map((file) => `${isCa(file) ? "--ca" : "--mtls-certificate"} ${file.name}`);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new CliError(`${repeated} is given twice, allowed is once`);
  if (hostname.length > 0 && ca.length === 0) {
    throw new CliError("--hostname says where clients are asked for certificates, and no --ca says of whom");
  }
}

/** A name that nothing stands behind would fail the first request that uses it. */
async function checkNamedCertificates(
  { path, config }: Project,
  mtlsCertificates: readonly CertificateFile[],
): Promise<void> {
  const { mtlsCertificateNames } = await buildOrExplain(path);
  const bound = [
    ...mtlsCertificates.map(({ name }) => name),
    ...(config.mtls_certificates ?? []).map(({ binding }) => binding),
  ];
  const missing = mtlsCertificateNames.filter((name) => !bound.includes(name));
  if (missing.length === 0) return;
  throw new CliError(
    `the project names ${missing.map((name) => `"${name}"`).join(", ")}, and no certificate of that name is given`,
    `give its files: --mtls-certificate ${missing[0]}=<cert.pem>,<key.pem>; the control plane does not give keys out`,
  );
}

async function groupByZone(api: CloudflareApi, hostnames: readonly string[]): Promise<Map<string, string[]>> {
  const zones = new Map<string, string[]>();
  for (const given of new Set(hostnames)) {
    const hostname = parseHostname(given);
    if (hostname === undefined) throw new CliError(`"${given}" is not a host name`);
    const zoneId = await api.findZone(hostname);
    if (zoneId === undefined) {
      throw new CliError(
        `no zone of the account has "${hostname}"`,
        "add the domain to Cloudflare, or give the token the zone",
      );
    }
    zones.set(zoneId, [...(zones.get(zoneId) ?? []), hostname]);
  }
  return zones;
}

async function isAgreed({ yes }: DeployFlags): Promise<boolean> {
  if (yes) return true;
  if (isTerminal()) return askConfirmation("Do that?");
  throw new CliError("nobody is there to be asked", "look at the plan, and give --yes");
}

function hasRoutes({ route, routes }: RawConfig): boolean {
  return route !== undefined || (Array.isArray(routes) && routes.length > 0);
}

interface Means {
  api: CloudflareApi;
  account: CloudflareAccount;
  cwd: string;
}

/** Certificates first, since the rest names them by id. @returns the worker's bindings */
async function carryOut(plan: DeployPlan, { api, account, cwd }: Means) {
  for (const { file, present } of plan.certificates) {
    if (present !== undefined) continue;
    await runWrangler(uploadParameters(file), cwd, account.accountId);
    note(`uploaded ${file.name}`);
  }
  const inAccount = await api.listCertificates();
  const idOf = (file: CertificateFile) => {
    const found = inAccount.filter((one) => isSame(file, one));
    const { id } = found.find(({ name }) => name === file.name) ?? found[0] ?? {};
    if (id !== undefined) return id;
    throw new CliError(`"${file.name}" was uploaded and is not in the account's list`, "run the command again");
  };
  for (const association of plan.associations) {
    const missing = missingHostnames(association);
    if (missing.length === 0) continue;
    await api.putHostnames(association.zoneId, idOf(association.ca), [...association.present, ...missing]);
    note(`clients of ${missing.join(", ")} are asked for certificates of ${association.ca.name}`);
  }
  const mtlsFiles = plan.certificates.map(({ file }) => file).filter((file) => !isCa(file));
  return mtlsFiles.map((file) => ({ binding: file.name, certificate_id: idOf(file) }));
}

/** Paths only: wrangler reads the files itself. */
function uploadParameters({ name, certificatePath, keyPath }: CertificateFile): string[] {
  const certificate = resolve(certificatePath);
  return keyPath === undefined
    ? ["cert", "upload", "certificate-authority", `--ca-cert=${certificate}`, `--name=${name}`]
    : ["cert", "upload", "mtls-certificate", `--cert=${certificate}`, `--key=${resolve(keyPath)}`, `--name=${name}`];
}
