/**
 * The master keys of a local control plane, under which private keys are sealed: those of the environment, else one that
 * the state directory keeps. A key is never generated in place of one that is there and damaged.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { readOptional } from "../../edge-shim/files.ts";
import { isMasterKey, MASTER_KEY_FORM } from "../../src/contract/master-key.ts";
import { CliError } from "../output.ts";
import { type StateDirectory, writePrivate } from "../stack/state-directory.ts";

const MASTER_KEY_BYTES = 32;

/** Variables of the control plane's process; an empty one is not set. */
export interface MasterKeys {
  SALLYPORT_MASTER_KEY: string;
  SALLYPORT_PREVIOUS_MASTER_KEY: string;
}

/** @throws CliError for a key that is none: the control plane would answer every request with 500 */
export function readMasterKeys(state: StateDirectory, environment: NodeJS.ProcessEnv): MasterKeys {
  return {
    SALLYPORT_MASTER_KEY: readVariable(environment, "SALLYPORT_MASTER_KEY") || ensureMasterKey(state),
    SALLYPORT_PREVIOUS_MASTER_KEY: readVariable(environment, "SALLYPORT_PREVIOUS_MASTER_KEY"),
  };
}

function readVariable(environment: NodeJS.ProcessEnv, name: keyof MasterKeys): string {
  const key = environment[name]?.trim() ?? "";
  if (key === "" || isMasterKey(key)) return key;
  throw new CliError(`"${name}" is not a master key, expected are ${MASTER_KEY_FORM}`);
}

function ensureMasterKey(state: StateDirectory): string {
  const path = join(state.path, "master-key");
  const known = readOptional(path)?.trim();
  if (known === undefined) {
    const key = randomBytes(MASTER_KEY_BYTES).toString("base64");
    writePrivate(path, `${key}\n`);
    return key;
  }
  if (isMasterKey(known)) return known;
  throw new CliError(
    `"${path}" does not hold a master key, expected are ${MASTER_KEY_FORM}`,
    "restore it; without it, delete the file and upload the mTLS certificates anew",
  );
}
