/** What `sallyport login` keeps: one control plane and the key for it, readable by this user only. */
import { rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { type infer as Infer, object, optional, refine, string } from "zod/mini";
import { CliError, hint, warning } from "../output.ts";
import { parseApiUrl } from "./api-url.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";

const credentialsSchema = object({
  apiUrl: string().check(refine((text) => parseApiUrl(text) === text)),
  apiKey: string(),
  account: optional(string()),
});
export type Credentials = Infer<typeof credentialsSchema>;

const OTHERS_MODE_BITS = 0o077;

/** XDG Base Directory Specification: a relative `XDG_CONFIG_HOME` is to be ignored. */
export function credentialsPath(): string {
  const configured = process.env.XDG_CONFIG_HOME ?? "";
  const base = isAbsolute(configured) ? configured : join(homedir(), ".config");
  return join(base, "sallyport", "credentials.json");
}

/** Undefined for somebody who is not logged in. @throws CliError for a damaged file */
export function readCredentials(): Credentials | undefined {
  const path = credentialsPath();
  const credentials = readJsonFile(path, credentialsSchema, "log in again: sallyport login");
  if (credentials !== undefined && (statSync(path).mode & OTHERS_MODE_BITS) !== 0) {
    warning(`"${path}" can be read by other users`);
    hint(`chmod 600 ${path}`);
  }
  return credentials;
}

export function writeCredentials(credentials: Credentials): void {
  writeJsonFile(credentialsPath(), credentials);
}

/** @throws CliError */
export function removeCredentials(): void {
  const path = credentialsPath();
  try {
    rmSync(path, { force: true });
  } catch (cause) {
    throw new CliError(`"${path}" cannot be deleted: ${(cause as Error).message}`);
  }
}
