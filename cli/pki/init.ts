/** `sallyport pki init`: a CA of one's own. */
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type OutputFlags, showResult } from "../output/result.ts";
import { formatFields } from "../output/table.ts";
import { hint } from "../output.ts";
import { describeCertificate } from "./certificate-summary.ts";
import { assertWritable, CA_FILES, writePemFiles } from "./files.ts";
import { commonName, parseSubject } from "./subject.ts";
import { createValidity } from "./validity.ts";

interface InitFlags extends OutputFlags {
  name?: string;
  subject?: string;
  days: number;
  dir: string;
  force: boolean;
}

/** The issuer that the documentation's policies name, so that its examples work with this CA as they stand */
const DEFAULT_SUBJECT = "CN=example-ca,O=Example,C=US";

export async function initializePki(flags: InitFlags): Promise<void> {
  const subject =
    flags.subject === undefined && flags.name !== undefined
      ? commonName(flags.name)
      : parseSubject(flags.subject ?? DEFAULT_SUBJECT);
  assertWritable(flags.dir, Object.values(CA_FILES), flags.force);
  const authority = await createCertificateAuthority({ subject, ...createValidity(new Date(), flags.days) });
  const [key, certificate] = writePemFiles(flags.dir, {
    [CA_FILES.key]: authority.keyPem,
    [CA_FILES.certificate]: authority.certificatePem,
  });
  showResult(flags, { certificate, key, ...describeCertificate(authority.certificatePem) }, (made) =>
    formatFields([
      ["CA certificate", made.certificate ?? ""],
      ["private key", `${made.key}, which signs client certificates: keep it to yourself`],
      ["subject", made.subject],
      ["expires", made.notAfter.slice(0, 10)],
    ]),
  );
  hint(`upload it: sallyport ca-certificate create --name my_ca --cert ${certificate}`);
  hint(
    `issue a client certificate: sallyport pki issue --name client${flags.dir === "." ? "" : ` --dir ${flags.dir}`}`,
  );
}
