/** The embedded control plane: its process, supervised, and the key by which the local stack administers it. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Logger } from "pino";
import { readOptional } from "../../edge-shim/files.ts";
import { findModule } from "../../edge-shim/module-path.ts";
import { createSupervisedChild, type SupervisedChild } from "../../edge-shim/workers/supervised-child.ts";
import { type StateDirectory, writePrivate } from "../stack/state-directory.ts";
import { holdControlPlane } from "./control-lock.ts";
import { readMasterKeys } from "./master-keys.ts";

/** What control-process.ts is given. */
export interface ControlProcessOptions {
  /** An address of this machine, or a wildcard */
  host: string;
  port: number;
  persistDir: string;
  /** Of the secret of `spk_bootstrap_<secret>`, lower-case hex */
  adminKeySha256: string;
  managedDomainBase: string;
  /** DNS servers for custom domains; empty for this machine's */
  dnsServers: string[];
}

export interface EmbeddedControlPlane {
  /** As this machine reaches it */
  readonly url: string;
  readonly adminKey: string;
  /** Started, it has the state directory's control plane to itself, also while its process is down between two crashes. */
  readonly child: SupervisedChild;
}

export type EmbeddedControlPlaneOptions = Pick<ControlProcessOptions, "port" | "managedDomainBase" | "dnsServers"> & {
  /** Default 127.0.0.1 */
  host?: string;
};

const PROCESS = findModule("./control-process.ts", import.meta.url);
const ADMIN_KEY_PREFIX = "spk_bootstrap_";
const SECRET_BYTES = 32;

/** @throws CliError for master keys that are none */
export function createEmbeddedControlPlane(
  state: StateDirectory,
  { host = "127.0.0.1", ...options }: EmbeddedControlPlaneOptions,
  logger: Logger,
): EmbeddedControlPlane {
  const adminKey = ensureAdminKey(state);
  const persistDir = join(state.path, "control");
  mkdirSync(persistDir, { recursive: true, mode: 0o700 });
  const secret = adminKey.slice(ADMIN_KEY_PREFIX.length);
  const adminKeySha256 = createHash("sha256").update(secret).digest("hex");
  const child = createSupervisedChild({
    name: "control plane",
    modulePath: PROCESS,
    arguments: [JSON.stringify({ host, ...options, persistDir, adminKeySha256 } satisfies ControlProcessOptions)],
    workingDirectory: state.path,
    // Not among the arguments, which every user of the machine can read.
    environment: { ...process.env, ...readMasterKeys(state, process.env) },
    isReadyMessage: (message) => message === "ready",
    onOutput(line) {
      if (line.trim() !== "") logger.info({ event: "control_output" }, `[control] ${line}`);
    },
    logger,
  });
  return { url: `http://${reachableHost(host)}:${options.port}`, adminKey, child: holdingLock(child, state) };
}

function holdingLock(child: SupervisedChild, state: StateDirectory): SupervisedChild {
  let lock: Disposable | undefined;
  return {
    async start() {
      lock = holdControlPlane(state);
      await child.start();
    },
    async stop() {
      await child.stop();
      lock?.[Symbol.dispose]();
      lock = undefined;
    },
  };
}

function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return isIPv6(host) ? `[${host}]` : host;
}

function ensureAdminKey(state: StateDirectory): string {
  const path = join(state.path, "admin-key");
  const known = readOptional(path)?.trim();
  if (known?.startsWith(ADMIN_KEY_PREFIX)) return known;
  const key = `${ADMIN_KEY_PREFIX}${randomBytes(SECRET_BYTES).toString("hex")}`;
  writePrivate(path, `${key}\n`);
  return key;
}
