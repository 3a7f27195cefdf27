/** CA certificates as the control plane gives them, and as people read them. */
import { array, type infer as Infer, looseObject, number, string } from "zod/mini";
import { toPrintable } from "../output/printable.ts";
import { type Column, formatFields, formatTable } from "../output/table.ts";

export const caCertificateSchema = looseObject({
  id: string(),
  name: string(),
  /** RFC 2253, like the issuer */
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
type CaCertificate = Infer<typeof caCertificateSchema>;

export const createdCaCertificateSchema = looseObject({
  ...caCertificateSchema.shape,
  warnings: array(looseObject({ code: string(), message: string() })),
});

export const describedCaCertificateSchema = looseObject({
  ...caCertificateSchema.shape,
  /** PEM */
  certificate: string(),
});

const DAYS_TO_WARN = 30;

const COLUMNS: Column<CaCertificate>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "NAME", value: ({ name }) => name },
  { title: "SUBJECT", value: ({ subject }) => subject },
  { title: "EXPIRES", value: ({ notAfter }) => toDate(notAfter) },
  { title: "DAYS LEFT", value: ({ daysLeft }) => String(daysLeft), isNumber: true, colour: chooseColour },
];

export function formatCaCertificates(certificates: readonly CaCertificate[]): string {
  return certificates.length === 0 ? "no CA certificates" : formatTable(COLUMNS, certificates);
}

export function formatCreated(created: CaCertificate): string {
  const fields = formatFields([
    ["subject", created.subject],
    ["expires", `${toDate(created.notAfter)}, ${formatDaysLeft(created)}`],
    ["SHA-256", created.sha256Fingerprint],
  ]);
  return `CA certificate "${toPrintable(created.name)}" created: ${toPrintable(created.id)}\n${fields}`;
}

export function formatCaCertificate(certificate: CaCertificate): string {
  return formatFields([
    ["id", certificate.id],
    ["name", certificate.name],
    ["subject", certificate.subject],
    ["issuer", certificate.issuer],
    ["not before", certificate.notBefore],
    ["not after", `${certificate.notAfter}, ${formatDaysLeft(certificate)}`],
    ["serial number", certificate.serialNumber],
    ["key type", certificate.keyType],
    ["SHA-256", certificate.sha256Fingerprint],
  ]);
}

function formatDaysLeft({ daysLeft }: CaCertificate): string {
  return daysLeft < 0 ? "expired" : `${daysLeft} days left`;
}

function chooseColour({ daysLeft }: CaCertificate): "red" | "yellow" | undefined {
  if (daysLeft < 0) return "red";
  return daysLeft < DAYS_TO_WARN ? "yellow" : undefined;
}

/** `2026-01-31` of an ISO 8601 time */
function toDate(time: string): string {
  return time.slice(0, 10);
}
