/** `sallyport login`: asks for control plane and key where they are not given, tries the key, and keeps both. */
import { isApiKey } from "../api/api-key.ts";
import { parseApiUrl } from "../api/api-url.ts";
import { type ControlPlaneClient, createClient, toSegment } from "../api/client.ts";
import { assertApiKey, warnUnencrypted } from "../api/connection.ts";
import { credentialsPath, writeCredentials } from "../api/credentials.ts";
import { findLocalStack } from "../api/local-stack.ts";
import type { ApiFlags } from "../api/options.ts";
import { refuse } from "../api/refusal.ts";
import { namedSchema, type WhoAmI, whoAmISchema } from "../api/who-am-i.ts";
import { toPrintable } from "../output/printable.ts";
import { showResult } from "../output/result.ts";
import { hint } from "../output.ts";
import { askSecret, askText, isTerminal } from "./ask.ts";

const DEFAULT_API_URL = "http://127.0.0.1:8444";

export async function login(flags: ApiFlags): Promise<void> {
  const apiUrl = flags.apiUrl || (await findApiUrl(flags));
  const apiKey = flags.apiKey?.trim() || (await askForKey(apiUrl));
  assertApiKey(apiKey);
  warnUnencrypted(apiUrl);
  const client = createClient({ apiUrl, apiKey, timeoutSeconds: flags.timeout });
  const owner = await client.get("/v1/who-am-i", whoAmISchema);
  const account = await chooseAccount(client, owner, flags.account);
  writeCredentials({ apiUrl, apiKey, ...(account === undefined ? {} : { account }) });
  showResult(flags, owner, () => `logged in to ${apiUrl} ${describeOwner(owner)}`);
  hint(`the key is in ${credentialsPath()}, for you alone; sallyport logout removes it`);
}

/** `as "laptop", account "acme"` */
function describeOwner({ name, account, scope }: WhoAmI): string {
  return toPrintable(`as "${name}", ${account === null ? `scope ${scope}` : `account "${account}"`}`);
}

async function findApiUrl({ stateDir }: ApiFlags): Promise<string> {
  const local = findLocalStack(stateDir)?.apiUrl;
  if (isTerminal()) {
    const answer = await askText("Address of the control plane", local ?? DEFAULT_API_URL, (text) =>
      parseApiUrl(text) === undefined ? "Give http(s)://host[:port]" : undefined,
    );
    return parseApiUrl(answer) ?? answer;
  }
  if (local !== undefined) return local;
  throw refuse("api_url_missing", "no control plane is named", "give --api-url <url> or SALLYPORT_API_URL");
}

async function askForKey(apiUrl: string): Promise<string> {
  if (!isTerminal()) {
    const explanation = "give --api-key <key> or SALLYPORT_API_KEY; on a terminal it is asked for";
    throw refuse("api_key_missing", "no API key is given", explanation);
  }
  const answer = await askSecret(`API key for ${apiUrl}`, (text) =>
    isApiKey(text.trim()) ? undefined : "An API key has the form spk_<id>_<secret>",
  );
  return answer.trim();
}

/** What to remember as account; undefined for a key that works on all of them, when none is named. */
async function chooseAccount(
  client: ControlPlaneClient,
  owner: WhoAmI,
  named: string | undefined,
): Promise<string | undefined> {
  if (owner.scope === "edge") {
    const detail = `"${toPrintable(owner.name)}" is the key of an edge, which reads trust and nothing else`;
    throw refuse("scope_not_allowed", detail, "use the key of an account, or an admin key");
  }
  if (owner.account !== null && named && named !== owner.account) {
    const detail = `"${named}" is not the account of this key, which is "${toPrintable(owner.account)}"`;
    throw refuse("account_mismatch", detail, "leave --account out, or use a key of that account");
  }
  if (owner.account === null && named) await client.get(`/v1/accounts/${toSegment(named)}`, namedSchema);
  return owner.account ?? (named || undefined);
}
