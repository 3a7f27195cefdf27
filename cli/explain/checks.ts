/**
 * The checks in the order in which a person would make them, and how they are brought in line with the verdict. They
 * explain it and never make it: for a chain that verifies all of them hold, and for one that does not at least the one
 * that OpenSSL's reason speaks of fails.
 */

import { authorityCheck, purposeCheck, strengthCheck, validityCheck } from "./certificate-checks.ts";
import { chainCheck, signatureCheck } from "./chain-checks.ts";
import type { CertificateFile } from "./client-certificate-file.ts";
import { fileCheck, orderCheck, sizeCheck } from "./file-checks.ts";
import type { IssuerPath } from "./issuer-path.ts";
import type { Judgement } from "./judge.ts";
import { domainCheck, uploadsCheck } from "./trust-checks.ts";
import type { TrustView } from "./trust-view.ts";

export interface CheckContext {
  readonly file: CertificateFile;
  readonly trust: TrustView;
  readonly path: IssuerPath;
  readonly judgement: Judgement;
  /** Milliseconds since the epoch */
  readonly nowMs: number;
}

export interface Finding {
  readonly text: string;
  /** What to do about it */
  readonly hint: string;
}

export interface Check {
  readonly name: CheckName;
  /** What holds, in words */
  describe(context: CheckContext): string;
  /** Looked for only where the chain does not verify */
  findProblem?(context: CheckContext): Finding | undefined;
  /** What does not decide the verdict and still deserves a look */
  findWarning?(context: CheckContext): Finding | undefined;
}

export type CheckName =
  | "file"
  | "order"
  | "domain"
  | "uploads"
  | "chain"
  | "signature"
  | "validity"
  | "purpose"
  | "authority"
  | "strength"
  | "constraints"
  | "size";

export interface Step {
  readonly check: CheckName;
  readonly ok: boolean;
  readonly text: string;
  /** Beside `ok: true` a warning */
  readonly hint?: string;
}

/** OpenSSL alone looks at these; there is nothing to add to its words. */
const constraintsCheck: Check = {
  name: "constraints",
  describe: ({ judgement: { verdict } }) =>
    verdict.status === "SUCCESS"
      ? "no name constraint and no unknown critical extension stands against it"
      : "OpenSSL's reason speaks of no name constraint and no unknown critical extension",
};

const CHECKS: readonly Check[] = [
  fileCheck,
  orderCheck,
  domainCheck,
  uploadsCheck,
  chainCheck,
  signatureCheck,
  validityCheck,
  purposeCheck,
  authorityCheck,
  strengthCheck,
  constraintsCheck,
  sizeCheck,
];

export function explainSteps(context: CheckContext): Step[] {
  const { verdict } = context.judgement;
  if (verdict.status === "SUCCESS") return CHECKS.map((check) => describeStep(check, context));
  const steps = CHECKS.map((check) => {
    const problem = check.findProblem?.(context);
    return problem === undefined ? describeStep(check, context) : { check: check.name, ok: false, ...problem };
  });
  return verdict.status === "FAILED" ? blame(steps, verdict.reason) : steps;
}

function describeStep(check: Check, context: CheckContext): Step {
  const warning = check.findWarning?.(context);
  return { check: check.name, ok: true, ...(warning ?? { text: check.describe(context) }) };
}

/**
 * Which checks a reason speaks of, the likeliest first. OpenSSL goes on after a failure and the last one stays, so that
 * one reason may come of several failures.
 */
const BLAMED: readonly [reason: RegExp, checks: readonly [CheckName, ...CheckName[]]][] = [
  [/no CA certificate applies/, ["domain"]],
  [/could not be read/, ["file"]],
  [/excessive message size/, ["size"]],
  [/the TLS handshake ends/, ["file"]],
  [/expired|not yet valid|notBefore|notAfter/, ["validity"]],
  [/purpose|usage/, ["purpose", "authority"]],
  [/invalid CA|path length/, ["authority"]],
  [/too weak/, ["strength"]],
  [/signature|public key/, ["signature", "strength"]],
  [/issuer|self-signed|chain|anchors|verify the first/, ["chain", "signature"]],
];

function blame(steps: readonly Step[], reason: string): Step[] {
  const [, checks = ["constraints"] as const] = BLAMED.find(([pattern]) => pattern.test(reason)) ?? [];
  const isExplained = steps.some(({ check, ok }) => !ok && checks.includes(check));
  if (isExplained) return [...steps];
  const hint = "OpenSSL's manual page of openssl-verification-options has more about this reason";
  return steps.map((step) =>
    step.check === checks[0] ? { check: step.check, ok: false, text: `OpenSSL says "${reason}"`, hint } : step,
  );
}
