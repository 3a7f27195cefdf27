/** Custom domains as the control plane gives them, and as people read them. */
import { type infer as Infer, looseObject, string } from "zod/mini";
import { toPrintable } from "../output/printable.ts";
import { type Column, formatFields, formatTable } from "../output/table.ts";

export const customDomainSchema = looseObject({
  id: string(),
  hostname: string(),
  project: string(),
  /** `pending` or `active` */
  status: string(),
  /** The DNS record that proves who owns the name */
  verification: looseObject({ type: string(), name: string(), value: string() }),
});
type CustomDomain = Infer<typeof customDomainSchema>;

const COLUMNS: Column<CustomDomain>[] = [
  { title: "HOSTNAME", value: ({ hostname }) => hostname },
  { title: "PROJECT", value: ({ project }) => project },
  {
    title: "STATUS",
    value: ({ status }) => status,
    colour: ({ status }) => (status === "active" ? undefined : "yellow"),
  },
  { title: "DNS RECORD TO SET", value: (domain) => (domain.status === "active" ? "" : formatRecord(domain)) },
];

export function formatCustomDomains(domains: readonly CustomDomain[]): string {
  return domains.length === 0 ? "no custom domains" : formatTable(COLUMNS, domains);
}

export function formatCreated(domain: CustomDomain): string {
  const fields = formatFields([
    ["id", domain.id],
    ["project", domain.project],
    ["DNS record", formatRecord(domain)],
  ]);
  return `custom domain "${toPrintable(domain.hostname)}" created, ${toPrintable(domain.status)}\n${fields}`;
}

function formatRecord({ verification: { type, name, value } }: CustomDomain): string {
  return `${name} ${type} ${value}`;
}
