/**
 * Fills a control plane's database with many accounts before the control plane is started on it: straight into D1, since
 * twenty thousand requests would take minutes. Accounts are what edges read; nothing else of a row matters here.
 */
import { Miniflare } from "miniflare";
import { applyMigrations } from "../../cli/control/migrations.ts";
import { accountName, hostnameOf, PROJECT } from "./many-accounts.ts";
import { createManyCaCertificates } from "./many-certificates.ts";
import { runAsChild } from "./run-as-child.ts";

export interface Filling {
  /** Of the control plane: `<state directory>/control` */
  persistDir: string;
  accounts: number;
  caCertificatesEach: number;
  /** The first is the managed domain of the account's one project */
  domainsEach: number;
}

/** As in cli/control/control-process.ts. Another one would be another database, which an edge finds empty. */
const DATABASE_ID = "sallyport-control";
type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;

/** Below the size that a parameter may have */
const ROWS_AT_A_TIME = 500;

/** @param values SQL for each column, from `value`, an element of `rows` */
async function insertAll(database: Database, table: string, values: string[], rows: readonly unknown[]): Promise<void> {
  const insert = database.prepare(`INSERT INTO ${table} SELECT ${values.join(", ")} FROM json_each(?)`);
  const starts = Array.from({ length: Math.ceil(rows.length / ROWS_AT_A_TIME) }, (_, index) => index * ROWS_AT_A_TIME);
  await database.batch(starts.map((start) => insert.bind(JSON.stringify(rows.slice(start, start + ROWS_AT_A_TIME)))));
}

async function fill(database: Database, filling: Filling): Promise<void> {
  const { accounts, caCertificatesEach, domainsEach } = filling;
  const certificates = await createManyCaCertificates(accounts * caCertificatesEach);
  const indices = Array.from({ length: accounts }, (_, index) => index);
  const names = indices.map(accountName);
  const caRows = certificates.map((certificate, index) => ({
    account: accountName(index % accounts),
    certificate,
    name: `ca_${index}`,
  }));
  const domainRows = indices.flatMap((account) =>
    Array.from({ length: domainsEach - 1 }, (_, index) => ({
      account: accountName(account),
      hostname: hostnameOf(account, index + 1),
    })),
  );
  const now = "'2026-01-01T00:00:00.000Z'";
  const field = (name: string) => `(value ->> '${name}')`;
  await applyMigrations(database);
  await insertAll(database, "accounts (name, version, created_at)", ["value", "'1-filled'", now], names);
  await insertAll(database, "projects (account, name, created_at)", ["value", `'${PROJECT}'`, now], names);
  await insertAll(
    database,
    `ca_certificates (id, account, name, certificate, subject, issuer, serial_number, not_before, not_after, key_type,
      subject_key_id, sha256_fingerprint, created_at, updated_at)`,
    [
      `'mtlsca_' || ${field("name")}`,
      ...["account", "name", "certificate", "name", "name"].map(field),
      ...["'1'", now, now, "'EC P-256'", "''"],
      ...[field("name"), now, now],
    ],
    caRows,
  );
  await insertAll(
    database,
    "custom_domains (id, account, project, hostname, status, verification_token, created_at, verified_at)",
    [`'cdm_' || ${field("hostname")}`, field("account"), `'${PROJECT}'`, field("hostname"), "'active'", "''", now, now],
    domainRows,
  );
}

runAsChild<Filling, object>(async (filling) => {
  const miniflare = new Miniflare({
    cf: false,
    resourcePersistencePath: filling.persistDir,
    workers: [
      {
        config: {
          name: "fill",
          compatibilityDate: "2026-10-01",
          manifest: {
            mainModule: "fill.mjs",
            modulesRoot: "/",
            modules: { "fill.mjs": { type: "esm", contents: "export default {};" } },
          },
          env: { DB: { type: "d1", id: DATABASE_ID } },
        },
      },
    ],
  });
  try {
    await fill(await miniflare.getD1Database("DB"), filling);
  } finally {
    await miniflare.dispose();
  }
  return { output: {} };
});
