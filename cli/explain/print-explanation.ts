/** The explanation for a person: what was found, each check, the verdict, and the line to paste. */
import { toPrintable } from "../output/printable.ts";
import type { Step } from "./checks.ts";
import type { CertificateSummary, Explanation } from "./explain.ts";
import { count } from "./names.ts";

export function printExplanation(explanation: Explanation): string {
  const { certificates, steps, certIssuerDN } = explanation;
  const width = Math.max(...steps.map(({ check }) => check.length));
  return [
    `${count(certificates.length, "certificate")}, as the edge would judge a client that presents ${certificates.length === 1 ? "it" : "them"} to ${explanation.domain}`,
    "",
    ...certificates.flatMap(printCertificate),
    "",
    ...steps.flatMap((step) => printStep(step, width)),
    "",
    printVerdict(explanation),
    ...(certIssuerDN === null ? [] : ["", ...printIssuerOption(certIssuerDN)]),
  ]
    .map(toPrintable)
    .join("\n");
}

function printCertificate(certificate: CertificateSummary, index: number): string[] {
  const { subject, issuer, notAfter, keyType } = certificate;
  const facts = [keyType ?? "unknown key", `valid until ${notAfter?.slice(0, 10) ?? "an unreadable time"}`];
  const by = subject === issuer ? "self-issued" : `issued by ${issuer}`;
  return [`  ${index + 1}. ${subject}`, `     ${by}; ${facts.join(", ")}`];
}

/** ✗ a reason why it does not verify, ! a warning */
function printStep({ check, ok, text, hint }: Step, width: number): string[] {
  const mark = ok ? (hint === undefined ? "✓" : "!") : "✗";
  const line = `  ${mark} ${check.padEnd(width)}  ${text}`;
  return hint === undefined ? [line] : [line, `    ${" ".repeat(width)}  → ${hint}`];
}

function printVerdict({ verified, reason, anchors }: Explanation): string {
  if (!verified) return `FAILED: ${reason}`;
  return `SUCCESS: it verifies, anchored by ${anchors.map(({ id, name }) => `"${name}" (${id})`).join(" and ")}`;
}

function printIssuerOption(certIssuerDN: string): string[] {
  return [
    "for the mtls-auth-inbound policy, with the parts of the name in this order:",
    "",
    `  "certIssuerDN": ${JSON.stringify(certIssuerDN)}`,
  ];
}
