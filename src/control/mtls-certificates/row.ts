/** Where the routes of mTLS certificates find their rows: by id, inside the project and the caller's account. */
import { z } from "@hono/zod-openapi";
import { and, eq, or, type SQL, sql } from "drizzle-orm";
import type { Context } from "hono";
import { accountParameter } from "../accounts/accounts.ts";
import { projectParameter } from "../accounts/projects.ts";
import { mtlsCertificates } from "../database/schema.ts";
import { notFound, problem } from "../problem.ts";
import type { ControlContext } from "../router.ts";
import type { MtlsCertificateRow } from "./schema.ts";

export const inProject = z.object({ account: accountParameter, project: projectParameter });
export const oneCertificate = inProject.extend({
  id: z.string().openapi({ param: { in: "path", name: "id" }, example: "cert_0123456789abcdef01234567" }),
});

interface Place {
  project: string;
  id: string;
}

export function theCertificate(c: Context<ControlContext>, { project, id }: Place): SQL | undefined {
  return and(
    eq(mtlsCertificates.id, id),
    eq(mtlsCertificates.account, c.get("account")),
    eq(mtlsCertificates.project, project),
  );
}

export function findCertificate(c: Context<ControlContext>, place: Place): Promise<MtlsCertificateRow | undefined> {
  return c.get("database").select().from(mtlsCertificates).where(theCertificate(c, place)).get();
}

/** For `Change.target`: the id, or null when the certificate is gone or `condition` does not hold. */
export function targetOf(c: Context<ControlContext>, place: Place, condition?: SQL): SQL<string> {
  const where = and(theCertificate(c, place), condition);
  return sql<string>`(SELECT ${mtlsCertificates.id} FROM ${mtlsCertificates} WHERE ${where})`;
}

export function certificateNotFound(c: Context<ControlContext>) {
  return notFound(c, "such mTLS certificate");
}

/** Without a master key a private key has no place to be kept in. */
export function refuseWithoutMasterKey(c: Context<ControlContext>, variable: string) {
  return problem(c, "master_key_missing", {
    detail: `"${variable}" is not set for the control plane; nothing was stored`,
    hint: "an operator sets it as a secret of the control plane: 32 bytes in base64, openssl rand -base64 32",
  });
}

/** The same certificate counts before the same name: it is the answer to a request that is repeated. */
export async function refuseDuplicate(
  c: Context<ControlContext>,
  row: Pick<MtlsCertificateRow, "account" | "project" | "name" | "sha256Fingerprint">,
) {
  const same = eq(mtlsCertificates.sha256Fingerprint, row.sha256Fingerprint);
  const existing = await c
    .get("database")
    .select({ id: mtlsCertificates.id, name: mtlsCertificates.name, found: mtlsCertificates.sha256Fingerprint })
    .from(mtlsCertificates)
    .where(
      and(
        eq(mtlsCertificates.account, row.account),
        eq(mtlsCertificates.project, row.project),
        or(same, eq(mtlsCertificates.name, row.name)),
      ),
    );
  const twin = existing.find(({ found }) => found === row.sha256Fingerprint);
  if (twin !== undefined) return refuseTwin(c, twin, row.sha256Fingerprint);
  return problem(c, "name_taken", {
    detail: `"${row.name}" is the name of an mTLS certificate of this project already`,
    hint: "to replace its certificate, update the one that is there; else choose another name",
  });
}

export function refuseTwin(c: Context<ControlContext>, twin: { id: string; name: string }, fingerprint: string) {
  return problem(c, "mtls_certificate_exists", {
    detail: `"${twin.name}" (${twin.id}) has this certificate already, with the fingerprint ${fingerprint}`,
    hint: "there is nothing to do, or upload the certificate that is to replace it",
  });
}
