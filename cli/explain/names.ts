/** How certificates are called in sentences and tables. */
import { encodeCommaSpace } from "../../src/x509/distinguished-name.ts";
import type { FileCertificate } from "./client-certificate-file.ts";

const NAME_MAX_CHARACTERS = 120;

export function nameSubject({ details, x509 }: FileCertificate): string {
  return shorten(
    details === undefined ? (x509.subject ?? "").replaceAll("\n", ", ") : encodeCommaSpace(details.subject),
  );
}

export function nameIssuer({ details, x509 }: FileCertificate): string {
  return shorten(details === undefined ? (x509.issuer ?? "").replaceAll("\n", ", ") : encodeCommaSpace(details.issuer));
}

function shorten(name: string): string {
  if (name === "") return "(no name)";
  return name.length > NAME_MAX_CHARACTERS ? `${name.slice(0, NAME_MAX_CHARACTERS)}…` : name;
}

/** `2026-11-22 03:19 UTC` */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
