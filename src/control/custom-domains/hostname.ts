/**
 * Which host names there are. Managed ones follow from account and project and are never stored; custom ones are
 * claimed, and must not be able to spell a managed one.
 */
import { parseHostname } from "../../contract/hostname.ts";

/** `<project>.<account>.<base>` */
export function managedHostname(project: { account: string; name: string }, base: string): string {
  return `${project.name}.${project.account}.${base}`;
}

/** Whether only the control plane itself may give out this name. */
export function isUnderManagedBase(hostname: string, base: string): boolean {
  return hostname.endsWith(`.${base}`);
}

/**
 * A host name that can be claimed, in the form of {@link parseHostname}. Undefined for what is not one, for a name with
 * a port, and for an IPv4 address (by the rule of the URL standard: the last label is a number).
 */
export function parseClaimedHostname(value: string): string | undefined {
  const hostname = value.includes(":") ? undefined : parseHostname(value);
  return hostname === undefined || /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/.test(hostname) ? undefined : hostname;
}

/** Where the TXT record of a claim stands, and what it says. */
export function verificationRecord(claim: { hostname: string; verificationToken: string }) {
  return { name: `_sallyport.${claim.hostname}`, value: `sallyport-verify=${claim.verificationToken}` };
}
