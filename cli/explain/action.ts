/** What `sallyport explain` does: reads file and trust, shows the explanation, and says by the exit code whether it verifies. */
import { PEM_MAX_CHARACTERS } from "../../src/x509/pem.ts";
import type { ApiFlags } from "../api/options.ts";
import { withSession } from "../api/session.ts";
import { showResult } from "../output/result.ts";
import { type CertificateFile, parseCertificateFile } from "./client-certificate-file.ts";
import { explainCertificate } from "./explain.ts";
import { printExplanation } from "./print-explanation.ts";
import { fetchTrustView, readFile, readTrustFiles, type TrustView } from "./trust-view.ts";

interface ExplainFlags extends ApiFlags {
  /** {@link STANDARD_INPUT} when left out */
  cert?: string;
  /** In the form of `parseHostname` */
  domain?: string;
  ca?: string[];
}

const STANDARD_INPUT = "-";

/** @throws CliError when there is nothing to judge, or nothing to judge by */
export async function explainFile(flags: ExplainFlags): Promise<void> {
  const file = await readCertificateFile(flags.cert ?? STANDARD_INPUT);
  if (flags.ca !== undefined) {
    await showExplanation(flags, file, readTrustFiles(flags.ca, flags.domain));
    return;
  }
  await withSession(flags, async ({ client, connection, accountPath }) => {
    const wanted = { domain: flags.domain, project: connection.project?.name };
    await showExplanation(flags, file, await fetchTrustView(client, await accountPath(), wanted));
  });
}

async function showExplanation(flags: ExplainFlags, file: CertificateFile, trust: TrustView): Promise<void> {
  const explanation = await explainCertificate(file, trust, Date.now());
  showResult(flags, explanation, printExplanation);
  process.exitCode = explanation.verified ? 0 : 1;
}

async function readCertificateFile(path: string): Promise<CertificateFile> {
  return path === STANDARD_INPUT
    ? parseCertificateFile(await readStandardInput(), "standard input")
    : parseCertificateFile(readFile(path), path);
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    // More than allowed is enough to be refused.
    if (length > PEM_MAX_CHARACTERS) break;
  }
  return Buffer.concat(chunks);
}
