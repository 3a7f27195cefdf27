/** What the verbs of `sallyport mtls-certificate` do. */
import { toSegment } from "../api/client.ts";
import type { ApiFlags, RangeFlags } from "../api/options.ts";
import { refuse } from "../api/refusal.ts";
import { type ApiSession, withSession } from "../api/session.ts";
import { toPrintable } from "../output/printable.ts";
import { showResult } from "../output/result.ts";
import { hint, warning } from "../output.ts";
import { readCertificateFile, readKeyFile } from "./read-key-pair.ts";
import {
  describedMtlsCertificateSchema,
  formatMtlsCertificate,
  formatMtlsCertificates,
  formatWritten,
  mtlsCertificateSchema,
  writtenMtlsCertificateSchema,
} from "./show.ts";

interface OneCertificate extends ApiFlags {
  certId: string;
}

interface Changes {
  cert?: string;
  key?: string;
  environmentType?: string[];
}

/** The files are looked at before anything is sent. */
export async function createMtlsCertificate(
  flags: ApiFlags & Changes & { name: string; cert: string; key: string },
): Promise<void> {
  if (flags.environmentType === undefined) throw refuseWithoutEnvironmentType();
  const body = {
    name: flags.name,
    certificate: readCertificateFile(flags.cert),
    privateKey: readKeyFile(flags.key),
    environmentTypes: flags.environmentType,
  };
  await withSession(flags, async (session) => {
    const created = await session.client.post(await listPath(session), body, writtenMtlsCertificateSchema);
    showResult(flags, created, (shown) => formatWritten(shown, "created"));
    for (const { message } of created.warnings) warning(toPrintable(message));
  });
}

function refuseWithoutEnvironmentType() {
  const example = "--environment-type development --environment-type preview --environment-type production";
  return refuse(
    "environment_type_missing",
    "no environment type is named",
    `name those that may present it: ${example}`,
  );
}

export function listMtlsCertificates(flags: RangeFlags): Promise<void> {
  return withSession(flags, async (session) => {
    const list = await session.client.list(await listPath(session), mtlsCertificateSchema, flags);
    showResult(flags, list, ({ data }) => formatMtlsCertificates(data));
    if (list.data.length === 0) {
      const files = "--cert ./client-cert.pem --key ./client-key.pem --environment-type development";
      hint(`upload one: sallyport mtls-certificate create --name aws_alb_cert ${files}`);
    }
  });
}

export function describeMtlsCertificate(flags: OneCertificate): Promise<void> {
  return withSession(flags, async (session) => {
    const certificate = await session.client.get(await onePath(session, flags), describedMtlsCertificateSchema);
    showResult(flags, certificate, (shown) => `${formatMtlsCertificate(shown)}\n\n${shown.certificate.trimEnd()}`);
  });
}

export async function updateMtlsCertificate(flags: OneCertificate & Changes): Promise<void> {
  const body = readChanges(flags);
  await withSession(flags, async (session) => {
    const updated = await session.client.patch(await onePath(session, flags), body, writtenMtlsCertificateSchema);
    showResult(flags, updated, (shown) => formatWritten(shown, "updated"));
    for (const { message } of updated.warnings) warning(toPrintable(message));
    if (updated.isDisabled) hintToEnable(updated.id);
  });
}

/** @throws Refusal */
function readChanges({ cert, key, environmentType }: Changes): object {
  if ((cert === undefined) !== (key === undefined)) {
    throw refuse(
      "key_pair_incomplete",
      `${cert === undefined ? "--cert" : "--key"} is missing: certificate and private key are replaced together`,
      "give both: --cert ./new-cert.pem --key ./new-key.pem",
    );
  }
  if (cert === undefined && environmentType === undefined) {
    throw refuse("invalid_request", "nothing is to be changed", "give --cert and --key, or --environment-type");
  }
  return {
    ...(cert !== undefined && { certificate: readCertificateFile(cert) }),
    ...(key !== undefined && { privateKey: readKeyFile(key) }),
    ...(environmentType !== undefined && { environmentTypes: environmentType }),
  };
}

export function disableMtlsCertificate(flags: OneCertificate): Promise<void> {
  return withSession(flags, async (session) => {
    const path = `${await onePath(session, flags)}/disable`;
    const disabled = await session.client.post(path, undefined, mtlsCertificateSchema);
    showResult(
      flags,
      disabled,
      ({ id, name }) => `mTLS certificate "${name}" (${id}) disabled: nobody presents it now`,
    );
    hintToEnable(disabled.id);
  });
}

function hintToEnable(id: string): void {
  hint(`it is disabled; enable it again: sallyport mtls-certificate update --cert-id ${id} --environment-type <type>`);
}

export function deleteMtlsCertificate(flags: OneCertificate): Promise<void> {
  return withSession(flags, async (session) => {
    await session.client.delete(await onePath(session, flags));
    const deleted = { id: flags.certId, deleted: true };
    showResult(flags, deleted, ({ id }) => `mTLS certificate ${id} deleted, with its private key`);
  });
}

async function listPath(session: ApiSession): Promise<string> {
  return `${await session.accountPath()}/projects/${toSegment(session.project())}/mtls-certificates`;
}

async function onePath(session: ApiSession, { certId }: OneCertificate): Promise<string> {
  return `${await listPath(session)}/${toSegment(certId)}`;
}
