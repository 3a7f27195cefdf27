/** What `sallyport control restore` does: puts a backup in the place of the database of a control plane that is stopped. */
import { createHash, randomUUID } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readOptional } from "../../edge-shim/files.ts";
import { isMasterKey } from "../../src/contract/master-key.ts";
import { refuse } from "../api/refusal.ts";
import { holdControlPlane, refuseRunning } from "../control/control-lock.ts";
import { type OutputFlags, showResult } from "../output/result.ts";
import { hint, warning } from "../output.ts";
import { openStateDirectory } from "../stack/state-directory.ts";
import type { Backup } from "./backup.ts";
import { removeNote } from "./contents.ts";
import { type DatabaseFile, isInUse, locateDatabase, openDatabase } from "./database-file.ts";
import { describeContents } from "./describe.ts";
import { inspectBackup } from "./inspect-backup.ts";

export interface RestoreFlags extends OutputFlags {
  stateDir: string;
  force: boolean;
}

interface Restored extends Backup {
  stateDir: string;
  /** Where what was there before lies now */
  replaced?: string;
}

const DIRECTORY_MODE = 0o700;
const PRIVATE_MODE = 0o600;
/** As the control plane names master keys */
const MASTER_KEY_ID_CHARACTERS = 16;

export async function restore(file: string, flags: RestoreFlags): Promise<void> {
  const path = resolve(file);
  const backup = inspectBackup(path);
  const stateDir = resolve(flags.stateDir);
  const database = locateDatabase(stateDir);
  using _held = holdControlPlane(openStateDirectory(stateDir));
  assertReplaceable(database, stateDir, flags.force);
  const replaced = putInPlace(path, database, stateDir);
  const restored: Restored = { ...backup, stateDir, ...(replaced === undefined ? {} : { replaced }) };
  showResult(flags, restored, (done) => `${done.stateDir}\n${describeContents(done)}`);
  if (replaced !== undefined)
    hint(`what was there before is in "${replaced}": delete it when it is not needed any more`);
  checkMasterKey(stateDir, backup.masterKeyIds);
}

function assertReplaceable(database: DatabaseFile, stateDir: string, force: boolean): void {
  // One that outlived whoever started it
  if (isInUse(database)) throw refuseRunning(stateDir);
  if (force || !existsSync(database.path)) return;
  throw refuse(
    "state_not_empty",
    `"${stateDir}" has a control plane's database already`,
    "name an empty --state-dir, or replace it: --force (the old one is moved aside, not deleted)",
  );
}

/** Made whole beside it, and then renamed. Where the old state was moved to; undefined when there was none. */
function putInPlace(backup: string, { controlDir, inControlDir }: DatabaseFile, stateDir: string): string | undefined {
  const beside = `${controlDir}.${randomUUID()}.tmp`;
  try {
    const path = join(beside, inControlDir);
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
    copyBackup(backup, path);
    giveTo(beside, stateDir);
    const replaced = moveAside(controlDir);
    renameSync(beside, controlDir);
    return replaced;
  } catch (cause) {
    rmSync(beside, { recursive: true, force: true });
    throw cause;
  }
}

function copyBackup(backup: string, path: string): void {
  using source = openDatabase(backup, { readOnly: true });
  source.prepare("VACUUM INTO ?").run(path);
  chmodSync(path, PRIVATE_MODE);
  using database = openDatabase(path);
  removeNote(database);
}

function moveAside(controlDir: string): string | undefined {
  if (!existsSync(controlDir)) return undefined;
  const aside = `${controlDir}.replaced-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
  renameSync(controlDir, aside);
  if (readdirSync(aside).length > 0) return aside;
  rmSync(aside, { recursive: true });
  return undefined;
}

/** Root restores for whoever the control plane runs as. */
function giveTo(directory: string, stateDir: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(stateDir);
  for (const name of ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" })]) {
    chownSync(join(directory, name), uid, gid);
  }
}

/** Says now what would be found out by the first request to an origin. */
function checkMasterKey(stateDir: string, needed: readonly string[]): void {
  if (needed.length === 0) return;
  const present = [
    process.env.SALLYPORT_MASTER_KEY,
    process.env.SALLYPORT_PREVIOUS_MASTER_KEY,
    readOptional(join(stateDir, "master-key")),
  ];
  const ids = present
    .map((key) => key?.trim() ?? "")
    .filter(isMasterKey)
    .map(identifyMasterKey);
  const missing = needed.filter((id) => !ids.includes(id));
  if (missing.length === 0) return;
  warning(`private keys are sealed under the master key ${missing.join(", ")}, which is not here`);
  hint(
    `write it to "${join(stateDir, "master-key")}", or start the control plane with SALLYPORT_MASTER_KEY; ` +
      "a master key that is lost means uploading the mTLS certificates anew",
  );
}

function identifyMasterKey(key: string): string {
  return createHash("sha256").update(Buffer.from(key, "base64")).digest("hex").slice(0, MASTER_KEY_ID_CHARACTERS);
}
