/** mTLS certificates as the control plane gives them, and as people read them. */
import { array, boolean, type infer as Infer, looseObject, number, string } from "zod/mini";
import { type Column, formatFields, formatTable } from "../output/table.ts";

export const mtlsCertificateSchema = looseObject({
  id: string(),
  name: string(),
  /** Another one after each upload under this id */
  version: string(),
  environmentTypes: array(string()),
  isDisabled: boolean(),
  /** Of the leaf, RFC 2253, like the issuer */
  subject: string(),
  issuer: string(),
  notBefore: string(),
  notAfter: string(),
  serialNumber: string(),
  keyType: string(),
  sha256Fingerprint: string(),
  /** Negative after the end */
  daysLeft: number(),
});
type MtlsCertificate = Infer<typeof mtlsCertificateSchema>;

export const writtenMtlsCertificateSchema = looseObject({
  ...mtlsCertificateSchema.shape,
  warnings: array(looseObject({ code: string(), message: string() })),
});

export const describedMtlsCertificateSchema = looseObject({
  ...mtlsCertificateSchema.shape,
  /** PEM: leaf, then intermediates */
  certificate: string(),
});

const DAYS_TO_WARN = 30;

const COLUMNS: Column<MtlsCertificate>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "NAME", value: ({ name }) => name },
  { title: "SUBJECT", value: ({ subject }) => subject },
  { title: "ENVIRONMENTS", value: formatEnvironments, colour: ({ isDisabled }) => (isDisabled ? "red" : undefined) },
  { title: "EXPIRES", value: ({ notAfter }) => toDate(notAfter) },
  { title: "DAYS LEFT", value: ({ daysLeft }) => String(daysLeft), isNumber: true, colour: chooseColour },
];

export function formatMtlsCertificates(certificates: readonly MtlsCertificate[]): string {
  return certificates.length === 0 ? "no mTLS certificates" : formatTable(COLUMNS, certificates);
}

export function formatWritten(written: MtlsCertificate, verb: "created" | "updated"): string {
  const fields = formatFields([
    ["subject", written.subject],
    ["environments", formatEnvironments(written)],
    ["expires", `${toDate(written.notAfter)}, ${formatDaysLeft(written)}`],
    ["SHA-256", written.sha256Fingerprint],
  ]);
  return `mTLS certificate "${written.name}" ${verb}: ${written.id}\n${fields}`;
}

export function formatMtlsCertificate(certificate: MtlsCertificate): string {
  return formatFields([
    ["id", certificate.id],
    ["name", certificate.name],
    ["version", certificate.version],
    ["environments", formatEnvironments(certificate)],
    ["subject", certificate.subject],
    ["issuer", certificate.issuer],
    ["not before", certificate.notBefore],
    ["not after", `${certificate.notAfter}, ${formatDaysLeft(certificate)}`],
    ["serial number", certificate.serialNumber],
    ["key type", certificate.keyType],
    ["SHA-256", certificate.sha256Fingerprint],
  ]);
}

function formatEnvironments({ isDisabled, environmentTypes }: MtlsCertificate): string {
  return isDisabled ? "none, disabled" : environmentTypes.join(", ");
}

function formatDaysLeft({ daysLeft }: MtlsCertificate): string {
  return daysLeft < 0 ? "expired" : `${daysLeft} days left`;
}

function chooseColour({ daysLeft }: MtlsCertificate): "red" | "yellow" | undefined {
  if (daysLeft < 0) return "red";
  return daysLeft < DAYS_TO_WARN ? "yellow" : undefined;
}

/** `2026-01-31` of an ISO 8601 time */
function toDate(time: string): string {
  return time.slice(0, 10);
}
