/** What `sallyport master-key rewrap` does: asks until nothing remains, or until nothing more can be done. */
import { array, type infer as Infer, looseObject, number, string } from "zod/mini";
import type { ControlPlaneClient } from "../api/client.ts";
import { resolveConnection } from "../api/connection.ts";
import { readLink } from "../api/link-file.ts";
import type { ApiFlags } from "../api/options.ts";
import { Refusal } from "../api/refusal.ts";
import { withSession } from "../api/session.ts";
import { startProgress } from "../output/progress.ts";
import { showResult } from "../output/result.ts";
import { hint } from "../output.ts";

/** What one request did; each does as many as a Worker may for one request. */
const rewrapSchema = looseObject({
  masterKeyId: string(),
  rewrapped: number(),
  remaining: number(),
  unreadable: array(string()),
});
type Rewrap = Infer<typeof rewrapSchema>;

export async function rewrapMasterKey(flags: ApiFlags): Promise<void> {
  const connection = resolveConnection(flags, readLink(flags.stateDir), "admin");
  await withSession(
    flags,
    async ({ client }) => {
      const done = await rewrapAll(client).catch(explainScope);
      if (done.remaining > 0) throw refuseIncomplete(done);
      showResult(flags, done, formatDone);
      hint(
        "from now on start the control plane with SALLYPORT_MASTER_KEY alone, the previous key is not needed any more",
      );
      hint("a local stack may keep the new key in place of the old one in the file master-key of its state directory");
    },
    connection,
  );
}

/** Safe to be broken off and to be repeated: what was rewrapped stays so. */
async function rewrapAll(client: ControlPlaneClient): Promise<Rewrap> {
  using progress = startProgress("rewrapping private keys");
  let rewrapped = 0;
  const unreadable = new Set<string>();
  for (;;) {
    const step = await client.post("/v1/master-key/rewrap", undefined, rewrapSchema);
    rewrapped += step.rewrapped;
    for (const id of step.unreadable) unreadable.add(id);
    if (step.remaining === 0 || step.rewrapped === 0) return { ...step, rewrapped, unreadable: [...unreadable] };
    progress.update(`${rewrapped} private keys rewrapped, ${step.remaining} remain`);
  }
}

function explainScope(failure: unknown): never {
  if (!(failure instanceof Refusal) || failure.document.code !== "scope_not_allowed") throw failure;
  throw new Refusal(
    failure.document,
    'give an admin key: --api-key "$(cat <state directory of the control plane>/admin-key)", or SALLYPORT_API_KEY',
  );
}

const IDS_SHOWN = 10;

/** With `-o json` the document has every id. */
function refuseIncomplete(done: Rewrap): Refusal {
  const { unreadable, remaining, rewrapped } = done;
  const problems: string[] = [];
  const hints: string[] = [];
  if (unreadable.length > 0) {
    problems.push(`${listIds(unreadable)} cannot be decrypted with the previous master key`);
    hints.push(
      "what was altered is lost: upload the key anew (sallyport mtls-certificate update), or delete it; repeat this",
    );
  }
  if (remaining > unreadable.length) {
    const count = countKeys(remaining - unreadable.length);
    problems.push(`${count} under neither the present nor the previous master key`);
    hints.push(
      "set SALLYPORT_PREVIOUS_MASTER_KEY to the one they were uploaded under, start the control plane; repeat this",
    );
  }
  const detail = `${problems.join("; ")}; ${countKeys(rewrapped)} rewrapped`;
  return new Refusal({ ...done, code: "rewrap_incomplete", detail }, ...hints);
}

function listIds(ids: readonly string[]): string {
  const shown = ids.slice(0, IDS_SHOWN).map((id) => `"${id}"`);
  return `${shown.join(", ")}${ids.length > IDS_SHOWN ? ` and ${ids.length - IDS_SHOWN} more` : ""}`;
}

function formatDone({ masterKeyId, rewrapped }: Rewrap): string {
  return `${countKeys(rewrapped)} rewrapped, all are under the master key ${masterKeyId}`;
}

function countKeys(count: number): string {
  return count === 1 ? "1 private key" : `${count} private keys`;
}
