/** What the verbs of `sallyport custom-domain` do. */
import { toSegment } from "../api/client.ts";
import type { ApiFlags, RangeFlags } from "../api/options.ts";
import { type ApiSession, withSession } from "../api/session.ts";
import { toPrintable } from "../output/printable.ts";
import { showResult } from "../output/result.ts";
import { hint } from "../output.ts";
import { customDomainSchema, formatCreated, formatCustomDomains } from "./show.ts";

interface OneDomain extends ApiFlags {
  hostname: string;
}

export function createCustomDomain(flags: OneDomain): Promise<void> {
  return withSession(flags, async (session) => {
    const body = { hostname: flags.hostname, project: session.project() };
    const created = await session.client.post(await listPath(session), body, customDomainSchema);
    showResult(flags, created, formatCreated);
    hint(`set that DNS record, then: sallyport custom-domain verify --hostname ${toPrintable(created.hostname)}`);
  });
}

export function listCustomDomains(flags: RangeFlags): Promise<void> {
  return withSession(flags, async (session) => {
    const list = await session.client.list(await listPath(session), customDomainSchema, flags);
    showResult(flags, list, ({ data }) => formatCustomDomains(data));
    if (list.data.length === 0) hint("claim one: sallyport custom-domain create --hostname api.example.com");
  });
}

export function verifyCustomDomain(flags: OneDomain): Promise<void> {
  return withSession(flags, async (session) => {
    const path = `${await onePath(session, flags)}/verify`;
    const verified = await session.client.post(path, undefined, customDomainSchema);
    showResult(flags, verified, ({ hostname, project }) =>
      toPrintable(`custom domain "${hostname}" is active for "${project}"`),
    );
  });
}

export function deleteCustomDomain(flags: OneDomain): Promise<void> {
  return withSession(flags, async (session) => {
    await session.client.delete(await onePath(session, flags));
    const deleted = { hostname: flags.hostname, deleted: true };
    showResult(flags, deleted, ({ hostname }) => `custom domain "${hostname}" deleted: it is no longer served`);
  });
}

async function listPath({ accountPath }: ApiSession): Promise<string> {
  return `${await accountPath()}/custom-domains`;
}

async function onePath(session: ApiSession, { hostname }: OneDomain): Promise<string> {
  return `${await listPath(session)}/${toSegment(hostname)}`;
}
