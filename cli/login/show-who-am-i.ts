/** `sallyport whoami`: what commands here would work with, as the control plane sees it. */
import type { Named } from "../api/connection.ts";
import type { ApiFlags } from "../api/options.ts";
import { withSession } from "../api/session.ts";
import { whoAmISchema } from "../api/who-am-i.ts";
import { showResult } from "../output/result.ts";
import { formatFields } from "../output/table.ts";

export function showWhoAmI(flags: ApiFlags): Promise<void> {
  return withSession(flags, async ({ client, connection }) => {
    const owner = await client.get("/v1/who-am-i", whoAmISchema);
    const ownAccount = owner.account === null ? undefined : { name: owner.account, source: "the API key" };
    showResult(flags, owner, () =>
      formatFields([
        ["control plane", connection.apiUrl],
        [
          "API key",
          `"${owner.name}" (${owner.apiKeyId}), scope ${owner.scope}, ${describeSource(connection.keySource)}`,
        ],
        ["account", describeName(connection.account ?? ownAccount)],
        ["project", describeName(connection.project)],
      ]),
    );
  });
}

function describeSource(source: "local stack" | "login" | undefined): string {
  return source === undefined ? "from --api-key or SALLYPORT_API_KEY" : `from the ${source}`;
}

function describeName(named: Named | undefined): string {
  return named === undefined ? "none" : `${named.name}, from ${named.source}`;
}
