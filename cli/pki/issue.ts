/** `sallyport pki issue`: client certificates for development, directly under a CA or under an intermediate one. */
import { join } from "node:path";
import { refuse } from "../api/refusal.ts";
import { type OutputFlags, showResult } from "../output/result.ts";
import { formatFields } from "../output/table.ts";
import { hint, warning } from "../output.ts";
import { describeCertificate } from "./certificate-summary.ts";
import { assertWritable, CA_FILES, INTERMEDIATE_FILES, writePemFiles } from "./files.ts";
import { type Issuer, loadIssuer, openIntermediate } from "./issuer.ts";
import { commonName, parseSubject, parseSubjectAlternativeName } from "./subject.ts";
import { createValidity } from "./validity.ts";

interface IssueFlags extends OutputFlags {
  name: string;
  subject?: string;
  san: string[];
  days: number;
  ca?: string;
  caKey?: string;
  /** The subject of a new one, when it is text */
  intermediate?: string | true;
  dir: string;
  force: boolean;
}

const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** The CA's own files, which --force must not overwrite either; some file systems do not tell case */
const RESERVED_NAMES = [CA_FILES, INTERMEDIATE_FILES].map(({ key }) => key.replace(/\.key$/, ""));

export async function issueClientCertificate(flags: IssueFlags): Promise<void> {
  const names = nameFiles(flags);
  const subject = flags.subject === undefined ? commonName(flags.name) : parseSubject(flags.subject);
  const subjectAlternativeNames = flags.san.map(parseSubjectAlternativeName);
  assertWritable(flags.dir, Object.values(names), flags.force);
  const now = new Date();
  const issuer = await openIssuer(flags, now);
  const validity = createValidity(now, flags.days, issuer.certificate.validToDate);
  const issued = await issuer.authority.issue({ subject, subjectAlternativeNames, ...validity });
  const [key, certificate, chain] = writePemFiles(flags.dir, {
    [names.key]: issued.keyPem,
    [names.certificate]: issued.certificatePem,
    ...(issuer.chainPem === "" ? {} : { [names.chain]: issued.certificatePem + issuer.chainPem }),
  });
  warnShortened(flags, validity.notAfter, createValidity(now, flags.days).notAfter);
  show(flags, { certificate, key, chain, ...describeCertificate(issued.certificatePem) });
}

function nameFiles({ name }: IssueFlags): { key: string; certificate: string; chain: string } {
  if (!FILE_NAME.test(name) || RESERVED_NAMES.includes(name.toLowerCase())) {
    const allowed = "1 to 64 letters, digits, dots, dashes and underscores, other than ca and intermediate";
    const explanation = 'take a plain word, and say the rest with --subject "CN=…"';
    throw refuse("name_invalid", `"${name}" is not a name for files, allowed are ${allowed}`, explanation);
  }
  return { key: `${name}.key`, certificate: `${name}.pem`, chain: `${name}-chain.pem` };
}

async function openIssuer(flags: IssueFlags, now: Date): Promise<Issuer> {
  const { dir, intermediate, force } = flags;
  const certificatePath = flags.ca ?? join(dir, CA_FILES.certificate);
  const root = loadIssuer(certificatePath, flags.caKey ?? join(dir, CA_FILES.key), now);
  if (intermediate === undefined) return root;
  return openIntermediate(root, { dir, subject: intermediate === true ? undefined : intermediate, force, now });
}

function warnShortened({ days }: IssueFlags, notAfter: Date, wanted: Date): void {
  if (notAfter < wanted) warning(`the issuer ends before ${days} days have passed, and so does the certificate`);
}

interface Issued extends ReturnType<typeof describeCertificate> {
  certificate: string | undefined;
  key: string | undefined;
  chain: string | undefined;
}

function show(flags: IssueFlags, issued: Issued): void {
  showResult(flags, issued, ({ certificate = "", key = "", chain, subject, issuer, notAfter }) =>
    formatFields([
      ["certificate", certificate],
      ["private key", key],
      ...(chain === undefined ? [] : [["chain to send", chain] as const]),
      ["subject", subject],
      ["issuer", `${issuer}, the certIssuerDN for a policy`],
      ["expires", notAfter.slice(0, 10)],
    ]),
  );
  hint(`send it: curl --cert ${issued.chain ?? issued.certificate} --key ${issued.key} https://…`);
}
