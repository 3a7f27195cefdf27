/**
 * Which control plane, by which key. A flag counts most, then its environment variable, then what is known: the local
 * stack of this directory, then the login. A key that is known for one address is never sent to another.
 */
import { hint, warning } from "../output.ts";
import { isApiKey } from "./api-key.ts";
import { isLoopback } from "./api-url.ts";
import { readCredentials } from "./credentials.ts";
import { type Link, linkPath } from "./link-file.ts";
import { findLocalStack, findLocalStackAsAdmin } from "./local-stack.ts";
import type { ApiFlags } from "./options.ts";
import { Refusal, refuse } from "./refusal.ts";

export interface Connection {
  apiUrl: string;
  apiKey: string;
  /** What the key was known from; undefined for one from a flag or variable */
  keySource: KnownControlPlane["source"] | undefined;
  account: Named | undefined;
  project: Named | undefined;
  /** For a key that was given and belongs to no account of its own */
  fallbackAccount: Named | undefined;
}

/** A name, and where it comes from, in words for a hint. */
export interface Named {
  name: string;
  source: string;
}

interface KnownControlPlane {
  source: "local stack" | "login";
  apiUrl: string;
  apiKey: string;
  account?: string | undefined;
  project?: string | undefined;
}

/** What the command's requests need; it decides only between the two keys that a local stack has. */
type KeyScope = "account" | "admin";

type ConnectionFlags = Pick<ApiFlags, "apiUrl" | "apiKey" | "account" | "project" | "stateDir">;

/** @throws CliError that says what is missing and how to give it */
export function resolveConnection(
  flags: ConnectionFlags,
  link: Link | undefined,
  scope: KeyScope = "account",
): Connection {
  const known = chooseKnown(flags, link, scope);
  const apiUrl = flags.apiUrl || known?.apiUrl;
  if (apiUrl === undefined) throw explainNoControlPlane(flags, link);
  const apiKey = flags.apiKey?.trim() || known?.apiKey;
  if (apiKey === undefined) throw explainNoKey(apiUrl);
  assertApiKey(apiKey);
  warnUnencrypted(apiUrl);
  const keyOwner = apiKey === known?.apiKey ? known : undefined;
  return {
    apiUrl,
    apiKey,
    keySource: keyOwner?.source,
    account: chooseName("account", flags, link, keyOwner),
    project: chooseName("project", flags, link, keyOwner),
    fallbackAccount: nameOf("account", known),
  };
}

/** Whether commands here would find a control plane. @throws CliError for a damaged file */
export function isConnectionKnown(flags: ConnectionFlags): boolean {
  const known = chooseKnown(flags, undefined, "account");
  return (flags.apiUrl || known?.apiUrl) !== undefined && (flags.apiKey || known?.apiKey) !== undefined;
}

/** @throws CliError for text that does not have the form of a key, without repeating it */
export function assertApiKey(text: string): void {
  if (isApiKey(text)) return;
  throw refuse(
    "api_key_malformed",
    "the API key does not have the form spk_<id>_<secret>",
    "give it whole, as it was shown when it was created",
  );
}

export function warnUnencrypted(apiUrl: string): void {
  if (apiUrl.startsWith("https:") || isLoopback(apiUrl)) return;
  warning(`"${apiUrl}" is not encrypted: everybody on the way can read the API key`);
  hint("use https");
}

function chooseKnown(flags: ConnectionFlags, link: Link | undefined, scope: KeyScope): KnownControlPlane | undefined {
  const wanted = flags.apiUrl || link?.apiUrl;
  if (flags.apiUrl && flags.apiKey) return undefined;
  const stack = scope === "admin" ? findLocalStackAsAdmin(flags.stateDir) : findLocalStack(flags.stateDir);
  if (stack !== undefined && (wanted ?? stack.apiUrl) === stack.apiUrl) return { source: "local stack", ...stack };
  const login = readCredentials();
  return login !== undefined && (wanted ?? login.apiUrl) === login.apiUrl ? { source: "login", ...login } : undefined;
}

function chooseName(
  target: "account" | "project",
  flags: ConnectionFlags,
  link: Link | undefined,
  known: KnownControlPlane | undefined,
): Named | undefined {
  const flag = flags[target];
  if (flag) return { name: flag, source: `--${target} or SALLYPORT_${target.toUpperCase()}` };
  const linked = link?.[target];
  if (linked !== undefined) return { name: linked, source: linkPath(flags.stateDir) };
  return nameOf(target, known);
}

function nameOf(target: "account" | "project", known: KnownControlPlane | undefined): Named | undefined {
  const name = known?.[target];
  return name === undefined ? undefined : { name, source: `the ${known?.source}` };
}

function explainNoControlPlane({ stateDir }: ConnectionFlags, link: Link | undefined): Refusal {
  if (link?.apiUrl !== undefined) {
    const detail = `"${link.apiUrl}" is the control plane that ${linkPath(stateDir)} names, and there is no login for it`;
    return refuse("not_logged_in", detail, `log in: sallyport login --api-url ${link.apiUrl}`);
  }
  const detail = "no control plane is known here: no local stack is running in this directory, and nobody is logged in";
  return new Refusal(
    { code: "control_plane_unknown", detail },
    "start one: npm start, or sallyport dev; in another directory: --state-dir <its .sallyport>",
    "or log in to one: sallyport login; or name it: --api-url <url> --api-key <key>",
  );
}

function explainNoKey(apiUrl: string): Refusal {
  const detail = `"${apiUrl}" wants an API key, and none is known for it`;
  const hint = `log in: sallyport login --api-url ${apiUrl}; or give one with --api-key or SALLYPORT_API_KEY`;
  return refuse("api_key_missing", detail, hint);
}
