/** Certificates and keys as files: keys for their owner alone, and nothing that is there is overwritten unasked. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../edge-shim/files.ts";
import { refuse } from "../api/refusal.ts";

const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o644;

export const CA_FILES = { certificate: "ca.pem", key: "ca.key" };
export const INTERMEDIATE_FILES = { certificate: "intermediate.pem", key: "intermediate.key" };

/** PEM text by file name; what ends in `.key` is private. */
type PemFiles = Record<string, string>;

/** @throws Refusal when one of them exists and is not to be overwritten */
export function assertWritable(dir: string, names: readonly string[], force: boolean): void {
  const existing = force ? undefined : names.find((name) => existsSync(join(dir, name)));
  if (existing === undefined) return;
  throw refuse(
    "file_exists",
    `"${join(dir, existing)}" exists`,
    "take another --dir or --name, or overwrite it: --force",
  );
}

/** In the order given; the paths. @throws Refusal when the system does not allow it */
export function writePemFiles(dir: string, files: PemFiles): string[] {
  try {
    mkdirSync(dir, { recursive: true });
    return Object.entries(files).map(([name, pem]) => {
      const path = join(dir, name);
      writeWhole(path, pem, name.endsWith(".key") ? PRIVATE_MODE : PUBLIC_MODE);
      return path;
    });
  } catch (cause) {
    const hint = "name a directory that you may write to: --dir";
    throw refuse("file_unwritable", `"${dir}" cannot be written to: ${(cause as Error).message}`, hint);
  }
}

/** @throws Refusal with `hint` when it cannot be read */
export function readPemFile(path: string, hint: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw refuse("file_not_found", `"${path}" does not exist`, hint);
    throw refuse("file_unreadable", `"${path}" cannot be read: ${message}`, hint);
  }
}
