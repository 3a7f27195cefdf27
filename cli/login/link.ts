/**
 * `sallyport link`: remembers account and project for a directory, after a look whether they exist. What an earlier link
 * says counts for nothing here: it is about to be replaced.
 */
import { type ControlPlaneClient, toSegment } from "../api/client.ts";
import { isConnectionKnown, resolveConnection } from "../api/connection.ts";
import { type Link, linkPath, writeLink } from "../api/link-file.ts";
import type { ApiFlags } from "../api/options.ts";
import { refuse } from "../api/refusal.ts";
import { withSession } from "../api/session.ts";
import { namedSchema, whoAmISchema } from "../api/who-am-i.ts";
import { toPrintable } from "../output/printable.ts";
import { showResult } from "../output/result.ts";
import { warning } from "../output.ts";
import { askChoice, isTerminal } from "./ask.ts";

const NAMES_SHOWN = 10;

export async function link(flags: ApiFlags): Promise<void> {
  if (flags.account && !isConnectionKnown(flags)) {
    warning("no control plane is known here, so nobody looked whether account and project exist");
    const { account, project, apiUrl } = flags;
    keep(flags, { account, ...(project ? { project } : {}), ...(apiUrl ? { apiUrl } : {}) });
    return;
  }
  const connection = resolveConnection(flags, undefined);
  const { apiUrl, keySource } = connection;
  await withSession(
    flags,
    async ({ client }) => {
      const account = flags.account || (await findAccount(client));
      const project = await findProject(client, account, flags.project);
      keep(flags, { account, project, ...(keySource === "local stack" ? {} : { apiUrl }) });
    },
    connection,
  );
}

function keep(flags: ApiFlags, kept: Link): void {
  writeLink(flags.stateDir, kept);
  const project = kept.project === undefined ? "" : `, project "${kept.project}"`;
  const place = linkPath(flags.stateDir);
  showResult(flags, kept, ({ account }) => `this directory is linked to account "${account}"${project} (${place})`);
}

async function findAccount(client: ControlPlaneClient): Promise<string> {
  const owner = await client.get("/v1/who-am-i", whoAmISchema);
  if (owner.account !== null) return owner.account;
  const { data } = await client.list("/v1/accounts", namedSchema);
  return choose("account", data);
}

async function findProject(client: ControlPlaneClient, account: string, named: string | undefined): Promise<string> {
  const path = `/v1/accounts/${toSegment(account)}/projects`;
  if (named) return (await client.get(`${path}/${toSegment(named)}`, namedSchema)).name;
  const { data } = await client.list(path, namedSchema);
  return choose("project", data);
}

/** The only one, or the one that is chosen on a terminal. */
async function choose(target: "account" | "project", found: readonly { name: string }[]): Promise<string> {
  const names = found.map(({ name }) => toPrintable(name));
  const [first, ...others] = names;
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined && isTerminal()) return askChoice(`Which ${target}?`, names);
  const shown = names.length === 0 ? "there is none" : `there are ${summarize(names)}`;
  throw refuse(`${target}_missing`, `no ${target} is named, ${shown}`, `give --${target} <name>`);
}

function summarize(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
