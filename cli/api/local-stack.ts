/**
 * The control plane of the stack that runs in this directory, from its `ready.json`. Everybody can write such a file
 * into a repository, so it is only believed about this machine: a loopback address, a process that is alive, and a file
 * that holds an API key and nothing else.
 */
import { join } from "node:path";
import { type infer as Infer, int, object, positive, string } from "zod/mini";
import { readOptional } from "../../edge-shim/files.ts";
import { isApiKey } from "./api-key.ts";
import { isLoopback, parseApiUrl } from "./api-url.ts";
import { parseJson } from "./json-file.ts";

const readyNoteSchema = object({
  control: string(),
  account: string(),
  project: string(),
  pid: int().check(positive()),
  files: object({ apiKey: string() }),
});

export interface LocalStack {
  apiUrl: string;
  apiKey: string;
  account: string;
  project: string;
}

/** Undefined when no stack is running, and for a note that is not to be believed. */
export function findLocalStack(stateDir: string): LocalStack | undefined {
  try {
    const note = parseJson(readOptional(join(stateDir, "ready.json")) ?? "", readyNoteSchema);
    return note !== undefined && isAlive(note.pid) ? readStack(note) : undefined;
  } catch {
    return undefined;
  }
}

/** The same with the key that administers its control plane; undefined, too, where the state directory has none. */
export function findLocalStackAsAdmin(stateDir: string): LocalStack | undefined {
  const stack = findLocalStack(stateDir);
  const apiKey = readKey(join(stateDir, "admin-key"));
  return stack !== undefined && apiKey !== undefined ? { ...stack, apiKey } : undefined;
}

function readKey(path: string): string | undefined {
  try {
    const key = readOptional(path)?.trim() ?? "";
    return isApiKey(key) ? key : undefined;
  } catch {
    return undefined;
  }
}

function readStack({ control, account, project, files }: Infer<typeof readyNoteSchema>): LocalStack | undefined {
  const apiUrl = parseApiUrl(control);
  const apiKey = readKey(files.apiKey);
  return apiUrl !== undefined && isLoopback(apiUrl) && apiKey !== undefined
    ? { apiUrl, apiKey, account, project }
    : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
