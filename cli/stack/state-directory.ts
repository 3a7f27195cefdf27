/**
 * The state directory: PKI, keys, trust bundle, credentials, and the note of a running stack. 0700, private files
 * 0600; every file is written whole under another name and renamed, so that no reader and no crash sees half of one.
 */
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { JSONWebKeySet, JWK } from "jose";
import { readOptional, writeWhole } from "../../edge-shim/files.ts";
import { createAssertionSigner, createSigningJwk } from "../../edge-shim/ingress/assertion-signer.ts";
import { createEdgeCa, type EdgeCa } from "../../edge-shim/ingress/server-certificates.ts";
import { CliError } from "../output.ts";
import { selectWorkerTelemetry } from "./worker-telemetry.ts";

const DIRECTORY_MODE = 0o700;
const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o644;

export interface StateDirectory {
  readonly path: string;
  readonly pkiPath: string;
  readonly edgeCaPath: string;
  readonly trustBundlePath: string;
  readonly workerEnvPath: string;
  /** Variables of the demo's origin, which a project may override */
  readonly originEnvPath: string;
  readonly persistPath: string;
  readonly readyPath: string;
}

/** Makes the directory. @throws CliError when it cannot be made or belongs to somebody else */
export function openStateDirectory(path: string): StateDirectory {
  const absolute = resolve(path);
  const pkiPath = join(absolute, "pki");
  try {
    for (const directory of [absolute, pkiPath]) {
      mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
      chmodSync(directory, DIRECTORY_MODE);
    }
  } catch (cause) {
    throw explain(cause as NodeJS.ErrnoException, absolute);
  }
  return {
    path: absolute,
    pkiPath,
    edgeCaPath: join(pkiPath, "edge-ca.pem"),
    trustBundlePath: join(absolute, "trust-bundle.json"),
    workerEnvPath: join(absolute, "worker.env"),
    originEnvPath: join(absolute, "origin.env"),
    persistPath: join(absolute, "worker"),
    readyPath: join(absolute, "ready.json"),
  };
}

/**
 * A directory of somebody else's that we may write to, such as the root of a mounted volume, is not used: whoever else may
 * write there could replace keys and trust. A folder in it is ours.
 */
function explain(cause: NodeJS.ErrnoException, path: string): CliError {
  if (cause.code === "EPERM" && cause.syscall === "chmod" && statSync(path).uid !== process.geteuid?.()) {
    return new CliError(
      `"${path}" cannot be used as state directory: it belongs to another user, so its mode cannot be set to 0700`,
      `name a folder in it, which is made: --state-dir ${join(path, "sallyport")}`,
    );
  }
  return new CliError(
    `"${path}" cannot be used as state directory: ${cause.message}`,
    "name another one with --state-dir",
  );
}

export function writePrivate(path: string, text: string): void {
  writeWhole(path, text, PRIVATE_MODE);
}

/** The CA of the edge's server certificates; made on first use and reused after. */
export async function ensureEdgeCa(state: StateDirectory): Promise<EdgeCa> {
  const keyPath = join(state.pkiPath, "edge-ca.key");
  const certificatePem = readOptional(state.edgeCaPath);
  const keyPem = readOptional(keyPath);
  if (certificatePem !== undefined && keyPem !== undefined) return { certificatePem, keyPem };
  const ca = await createEdgeCa(new Date());
  writeWhole(keyPath, ca.keyPem, PRIVATE_MODE);
  writeWhole(state.edgeCaPath, ca.certificatePem, PUBLIC_MODE);
  return ca;
}

/** The key that signs edge assertions; made on first use and reused after. */
export async function ensureSigningKey(state: StateDirectory): Promise<JWK> {
  const path = join(state.path, "edge-signing-key.json");
  const text = readOptional(path);
  if (text === undefined) {
    const key = await createSigningJwk();
    writePrivate(path, `${JSON.stringify(key)}\n`);
    return key;
  }
  try {
    return JSON.parse(text) as JWK;
  } catch {
    throw new CliError(`"${path}" is not a JSON Web Key`, "delete it: a new one is made at the next start");
  }
}

/** The public half of the signing key, which a worker may be given before the edge runs. */
export async function readSigningJwks(state: StateDirectory): Promise<JSONWebKeySet> {
  const signer = await createAssertionSigner(await ensureSigningKey(state));
  return signer.jwks;
}

export interface WorkerEnv {
  jwks: JSONWebKeySet;
  environment: string;
  /** By which it reaches the egress; the token among them is a secret of this worker */
  egress: Readonly<Record<string, string>>;
}

/** What a worker needs to believe this edge, to be served by its egress and to send spans where this process does, as `wrangler dev --env-file` reads it. */
export function writeWorkerEnv(state: StateDirectory, { jwks, environment, egress }: WorkerEnv): void {
  const own = { SALLYPORT_EDGE_JWKS: JSON.stringify(jwks), SALLYPORT_ENVIRONMENT: environment };
  writeEnvFile(state.workerEnvPath, { ...own, ...egress, ...selectWorkerTelemetry(process.env) });
}

/** No value may have a single quote or a line break in it. */
export function writeEnvFile(path: string, variables: Readonly<Record<string, string>>): void {
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  writePrivate(path, lines.join(""));
}
