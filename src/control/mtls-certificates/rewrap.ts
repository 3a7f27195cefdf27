/**
 * `POST /v1/master-key/rewrap`: after `SALLYPORT_MASTER_KEY` was changed, and the old one is known as
 * `SALLYPORT_PREVIOUS_MASTER_KEY`, brings every data key under the new one. Private keys are not touched, edges present
 * what they have. Safe to repeat at any time, and to be repeated until nothing remains.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { and, asc, eq, gt, ne, or, sql } from "drizzle-orm";
import type { Context } from "hono";
import { commit } from "../database/commit.ts";
import { mtlsCertificates } from "../database/schema.ts";
import { json } from "../fields.ts";
import { logFailure } from "../log.ts";
import { problem, problemResponses } from "../problem.ts";
import { type ControlContext, createRouter } from "../router.ts";
import { refuseWithoutMasterKey } from "./row.ts";
import type { MtlsCertificateRow } from "./schema.ts";
import { type Keyring, openKeyring, rewrapDataKey } from "./sealed-key.ts";

/** Rows of one transaction, and transactions of one request: far inside of what a Worker may do for one request. */
const BATCH_ROWS = 50;
const REQUEST_BATCHES = 20;

const rewrapSchema = z
  .object({
    masterKeyId: z.string().openapi({ description: "Of the present master key" }),
    rewrapped: z.number().int().openapi({ description: "How many this request brought under it" }),
    remaining: z.number().int().openapi({ description: "How many are not under it; repeat until this is 0" }),
    unreadable: z.array(z.string()).openapi({ description: "Ids that the previous master key does not open" }),
  })
  .openapi("Rewrap");

export const rewrapRoutes = createRouter();

rewrapRoutes.openapi(
  createRoute({
    method: "post",
    path: "/v1/master-key/rewrap",
    summary: "Bring all private keys under the present master key (admin keys)",
    tags: ["Master key"],
    responses: {
      200: { description: "What was done, and what remains", content: json(rewrapSchema) },
      ...problemResponses(401, 403, 503),
    },
  }),
  async function rewrapMasterKey(c) {
    const keyring = await openKeyring(c.get("configuration"));
    if (keyring === undefined) return refuseWithoutMasterKey(c, "SALLYPORT_MASTER_KEY");
    const before = await countRemaining(c, keyring);
    if (before > 0 && keyring.previous === undefined) return refuseWithoutPrevious(c, before);
    const unreadable: string[] = [];
    let rewrapped = 0;
    let last: MtlsCertificateRow | undefined;
    for (let batch = 0; batch < REQUEST_BATCHES; batch++) {
      const rows = await selectBatch(c, keyring, last);
      last = rows.at(-1);
      if (last === undefined) break;
      for (const [account, own] of Map.groupBy(rows, (row) => row.account)) {
        rewrapped += await rewrapRows(c, keyring, account, own, unreadable);
      }
    }
    const remaining = await countRemaining(c, keyring);
    return c.json({ masterKeyId: keyring.current.id, rewrapped, remaining, unreadable }, 200);
  },
);

function refuseWithoutPrevious(c: Context<ControlContext>, remaining: number) {
  return problem(c, "master_key_missing", {
    detail: `"SALLYPORT_PREVIOUS_MASTER_KEY" is not set for the control plane; private keys under another master key: ${remaining}`,
    hint: "an operator sets it to the master key before the present one, starts the control plane anew, and repeats this",
  });
}

async function countRemaining(c: Context<ControlContext>, { current }: Keyring): Promise<number> {
  const [row] = await c
    .get("database")
    .select({ count: sql<number>`count(*)` })
    .from(mtlsCertificates)
    .where(ne(mtlsCertificates.masterKeyId, current.id));
  return row?.count ?? 0;
}

/** Rows under the previous key, after the last one that was looked at: those that do not open are not met again. */
async function selectBatch(c: Context<ControlContext>, keyring: Keyring, last: MtlsCertificateRow | undefined) {
  const { account, id, masterKeyId } = mtlsCertificates;
  const { previous, current } = keyring;
  if (previous === undefined || previous.id === current.id) return [];
  const after = last && or(gt(account, last.account), and(eq(account, last.account), gt(id, last.id)));
  return c
    .get("database")
    .select()
    .from(mtlsCertificates)
    .where(and(eq(masterKeyId, previous.id), after))
    .orderBy(asc(account), asc(id))
    .limit(BATCH_ROWS);
}

/** Edges are told, since one that read the document while no master key fitted got it without the private keys. */
async function rewrapRows(
  c: Context<ControlContext>,
  keyring: Keyring,
  account: string,
  rows: MtlsCertificateRow[],
  unreadable: string[],
): Promise<number> {
  const statements = [];
  for (const row of rows) {
    const result = await rewrapDataKey(keyring, row, row);
    if (!result.ok) {
      logFailure("master_key_rewrap_failed", `"${row.id}" cannot be decrypted: ${result.reason}`, c.get("requestId"));
      unreadable.push(row.id);
      continue;
    }
    // A version that was uploaded meanwhile has a data key of its own, under the present master key
    const unchanged = and(eq(mtlsCertificates.id, row.id), eq(mtlsCertificates.wrappedDataKey, row.wrappedDataKey));
    statements.push(c.get("database").update(mtlsCertificates).set(result.wrapped).where(unchanged));
  }
  if (statements.length === 0) return 0;
  await commit(c, {
    action: "master-key.rewrap",
    account,
    target: keyring.current.id,
    detail: { mtlsCertificates: String(statements.length), from: keyring.previous?.id ?? "" },
    changesTrust: true,
    statements,
  });
  return statements.length;
}
