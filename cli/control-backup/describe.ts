/** What a backup has in it, for a person. */
import { formatFields } from "../output/table.ts";
import type { Contents, Note } from "./contents.ts";

export function describeContents(contents: Contents & Note): string {
  const { accounts, projects, caCertificates, mtlsCertificates, customDomains, apiKeys } = contents;
  return formatFields([
    ["made", `${contents.createdAt} by Sallyport ${contents.sallyportVersion}`],
    ["schema", contents.schemaVersion],
    ["accounts", `${accounts}, with ${projects} projects and ${apiKeys} API keys`],
    ["certificates", `${caCertificates} CA certificates, ${mtlsCertificates} mTLS certificates`],
    ["domains", String(customDomains)],
  ]);
}
