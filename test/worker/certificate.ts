/** A leaf that is really encoded, for what has to be read out of DER. Who signed it does not matter here. */
import { encodeClientCert } from "../../src/contract/client-cert-field.ts";
import { issueLeaf as issue } from "../../testing/worker/issue-certificate.ts";

/** As `certRFC9440` */
export async function issueLeaf(names: { dns: string }): Promise<string> {
  const { leaf } = await issue({
    subject: "CN=client",
    issuer: "CN=example-ca",
    sans: [`dns:${names.dns}`],
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2027-01-31T00:00:00Z"),
  });
  return encodeClientCert(leaf) ?? "";
}
