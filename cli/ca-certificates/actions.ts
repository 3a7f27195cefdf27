/** What the verbs of `sallyport ca-certificate` do. */
import { toSegment } from "../api/client.ts";
import type { ApiFlags, RangeFlags } from "../api/options.ts";
import { type ApiSession, withSession } from "../api/session.ts";
import { toPrintable } from "../output/printable.ts";
import { showResult } from "../output/result.ts";
import { hint, warning } from "../output.ts";
import { readCaFile } from "./read-ca-file.ts";
import {
  caCertificateSchema,
  createdCaCertificateSchema,
  describedCaCertificateSchema,
  formatCaCertificate,
  formatCaCertificates,
  formatCreated,
} from "./show.ts";

interface OneCertificate extends ApiFlags {
  certId: string;
}

/** The file is looked at before anything else happens: a private key goes nowhere. */
export async function createCaCertificate(flags: ApiFlags & { name: string; cert: string }): Promise<void> {
  const certificate = readCaFile(flags.cert);
  await withSession(flags, async (session) => {
    const body = { name: flags.name, certificate };
    const created = await session.client.post(await listPath(session), body, createdCaCertificateSchema);
    showResult(flags, created, formatCreated);
    for (const { message } of created.warnings) warning(toPrintable(message));
  });
}

export function listCaCertificates(flags: RangeFlags): Promise<void> {
  return withSession(flags, async (session) => {
    const list = await session.client.list(await listPath(session), caCertificateSchema, flags);
    showResult(flags, list, ({ data }) => formatCaCertificates(data));
    if (list.data.length === 0) hint("upload one: sallyport ca-certificate create --name my_ca --cert ./ca.pem");
  });
}

export function describeCaCertificate(flags: OneCertificate): Promise<void> {
  return withSession(flags, async (session) => {
    const certificate = await session.client.get(await onePath(session, flags), describedCaCertificateSchema);
    showResult(flags, certificate, (shown) => `${formatCaCertificate(shown)}\n\n${shown.certificate.trimEnd()}`);
  });
}

export function renameCaCertificate(flags: OneCertificate & { name: string }): Promise<void> {
  return withSession(flags, async (session) => {
    const body = { name: flags.name };
    const renamed = await session.client.patch(await onePath(session, flags), body, caCertificateSchema);
    showResult(flags, renamed, ({ id, name }) => toPrintable(`CA certificate ${id} is named "${name}" now`));
  });
}

export function deleteCaCertificate(flags: OneCertificate): Promise<void> {
  return withSession(flags, async (session) => {
    await session.client.delete(await onePath(session, flags));
    const deleted = { id: flags.certId, deleted: true };
    showResult(
      flags,
      deleted,
      ({ id }) => `CA certificate ${id} deleted: clients that it anchors are rejected from now on`,
    );
  });
}

async function listPath({ accountPath }: ApiSession): Promise<string> {
  return `${await accountPath()}/ca-certificates`;
}

async function onePath(session: ApiSession, { certId }: OneCertificate): Promise<string> {
  return `${await listPath(session)}/${toSegment(certId)}`;
}
