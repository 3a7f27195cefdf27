/** What a command works with once it is known where: a client, and the account and project to work on. */
import type { ControlPlaneClient } from "./client.ts";
import { createClient, toSegment } from "./client.ts";
import { type Connection, type Named, resolveConnection } from "./connection.ts";
import { readLink } from "./link-file.ts";
import type { ApiFlags } from "./options.ts";
import { Refusal, refuse } from "./refusal.ts";
import { whoAmISchema } from "./who-am-i.ts";

export interface ApiSession {
  readonly client: ControlPlaneClient;
  readonly connection: Connection;
  /** `/v1/accounts/<account>`. @throws CliError when no account is known */
  accountPath(): Promise<string>;
  /** @throws CliError when no project is known */
  project(): string;
}

/** @throws CliError; one from the control plane says where the key and the account came from */
export async function withSession(
  flags: ApiFlags,
  run: (session: ApiSession) => Promise<void>,
  connection: Connection = resolveConnection(flags, readLink(flags.stateDir)),
): Promise<void> {
  const client = createClient({ ...connection, timeoutSeconds: flags.timeout });
  let account = connection.account;
  const session: ApiSession = {
    client,
    connection,
    async accountPath() {
      account ??= await askForAccount(client, connection);
      return `/v1/accounts/${toSegment(account.name)}`;
    },
    project: () => (connection.project ?? missing("project")).name,
  };
  try {
    await run(session);
  } catch (failure) {
    throw failure instanceof Refusal ? explain(failure, connection, account) : failure;
  }
}

/** The account that the key belongs to. */
async function askForAccount(client: ControlPlaneClient, { fallbackAccount }: Connection): Promise<Named> {
  const { account } = await client.get("/v1/who-am-i", whoAmISchema);
  if (account !== null) return { name: account, source: "the API key" };
  return fallbackAccount ?? missing("account");
}

function missing(target: "account" | "project"): never {
  throw refuse(
    `${target}_missing`,
    `no ${target} is named`,
    `give --${target} <name> or SALLYPORT_${target.toUpperCase()}, or remember it here: sallyport link`,
  );
}

const KEY_HINTS = {
  login: "log in again: sallyport login",
  "local stack": "start the local stack anew: it makes a key of its own",
};

/** Says where a key or a name came from, which the control plane cannot know. */
function explain(refusal: Refusal, { apiUrl, keySource }: Connection, account: Named | undefined): Refusal {
  switch (refusal.document.code) {
    case "api_key_rejected":
      return new Refusal(
        refusal.document,
        keySource === undefined
          ? "the key is the one from --api-key or SALLYPORT_API_KEY; to keep one that works: sallyport login"
          : KEY_HINTS[keySource],
      );
    case "not_found":
      if (account === undefined) return refusal;
      return new Refusal(
        refusal.document,
        `looked in account "${account.name}" (from ${account.source}) of ${apiUrl}`,
        ...refusal.hints,
      );
    default:
      return refusal;
  }
}
