/** What the verbs of `sallyport origin-ca` do. What they show is a CA certificate like any other. */
import { toSegment } from "../api/client.ts";
import type { ApiFlags, RangeFlags } from "../api/options.ts";
import { type ApiSession, withSession } from "../api/session.ts";
import { readCaFile } from "../ca-certificates/read-ca-file.ts";
import {
  caCertificateSchema,
  createdCaCertificateSchema,
  describedCaCertificateSchema,
  formatCaCertificate,
  formatCaCertificates,
  formatCreated,
} from "../ca-certificates/show.ts";
import { toPrintable } from "../output/printable.ts";
import { showResult } from "../output/result.ts";
import { hint, warning } from "../output.ts";

interface OneOriginCa extends ApiFlags {
  certId: string;
}

/** The file is looked at before anything else happens: a private key goes nowhere. */
export async function createOriginCa(flags: ApiFlags & { name: string; cert: string }): Promise<void> {
  const body = { name: flags.name, certificate: readCaFile(flags.cert) };
  await withSession(flags, async (session) => {
    const created = await session.client.post(await listPath(session), body, createdCaCertificateSchema);
    showResult(flags, created, formatCreated);
    for (const { message } of created.warnings) warning(toPrintable(message));
  });
}

export function listOriginCas(flags: RangeFlags): Promise<void> {
  return withSession(flags, async (session) => {
    const list = await session.client.list(await listPath(session), caCertificateSchema, flags);
    showResult(flags, list, ({ data }) => formatCaCertificates(data));
    if (list.data.length === 0) hint("upload one: sallyport origin-ca create --name corporate_ca --cert ./ca.pem");
  });
}

export function describeOriginCa(flags: OneOriginCa): Promise<void> {
  return withSession(flags, async (session) => {
    const certificate = await session.client.get(await onePath(session, flags), describedCaCertificateSchema);
    showResult(flags, certificate, (shown) => `${formatCaCertificate(shown)}\n\n${shown.certificate.trimEnd()}`);
  });
}

export function deleteOriginCa(flags: OneOriginCa): Promise<void> {
  return withSession(flags, async (session) => {
    await session.client.delete(await onePath(session, flags));
    const deleted = { id: flags.certId, deleted: true };
    showResult(
      flags,
      deleted,
      ({ id }) => `CA certificate ${id} deleted: origins that it anchors are refused from now on`,
    );
  });
}

async function listPath(session: ApiSession): Promise<string> {
  return `${await session.accountPath()}/projects/${toSegment(session.project())}/origin-cas`;
}

async function onePath(session: ApiSession, { certId }: OneOriginCa): Promise<string> {
  return `${await listPath(session)}/${toSegment(certId)}`;
}
