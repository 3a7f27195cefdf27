/**
 * What `sallyport link` remembers for a directory, `link.json` in its state directory: account, project, and which
 * control plane they are of. The file may have come with somebody's repository, so it never names a place to send a key
 * to: its URL only chooses among the control planes that this user has a key for.
 */
import { join } from "node:path";
import { type infer as Infer, object, optional, refine, string } from "zod/mini";
import { parseApiUrl } from "./api-url.ts";
import { readJsonFile, writeJsonFile } from "./json-file.ts";

const linkSchema = object({
  account: string(),
  project: optional(string()),
  /** Left out for the local stack, whatever port it has today */
  apiUrl: optional(string().check(refine((text) => parseApiUrl(text) === text))),
});
export type Link = Infer<typeof linkSchema>;

export function linkPath(stateDir: string): string {
  return join(stateDir, "link.json");
}

/** @throws CliError for a damaged file */
export function readLink(stateDir: string): Link | undefined {
  return readJsonFile(linkPath(stateDir), linkSchema, "link the directory again: sallyport link");
}

export function writeLink(stateDir: string, link: Link): void {
  writeJsonFile(linkPath(stateDir), link);
}
