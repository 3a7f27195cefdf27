/** When several judges of one chain agree: on whether it verifies, and, where it does not, on why. */
import { REASON } from "../../edge-shim/ingress/verdict.ts";

/** `UNPRESENTED`: no TLS handshake comes to its end with it. `UNREADABLE`: it is not taken for a certificate. */
export type Judgement = "SUCCESS" | `FAILED:${string}` | "UNPRESENTED" | "UNREADABLE";

export interface Judgements {
  /** The verdict in the assertion of a running edge */
  edge: Judgement;
  /** Every reason that `openssl verify` prints, joined by `; ` */
  openssl: Judgement;
  explain: Judgement;
  /** `$ssl_client_verify`; undefined where nginx was not asked */
  nginx?: Judgement;
}

/** Of the edge alone: OpenSSL has no such reason */
const OWN_REASONS: ReadonlySet<string> = new Set([REASON.unreadable, REASON.chainTooLong]);

/** What they disagree on, undefined when they agree. */
export function findDisagreement(said: Judgements): "verdict" | "reason" | undefined {
  const all = [said.edge, said.openssl, said.explain, ...(said.nginx === undefined ? [] : [said.nginx])];
  if (new Set(all.map((judgement) => judgement === "SUCCESS")).size > 1) return "verdict";
  return all.every((judgement) => judgement.startsWith("FAILED:")) && !haveOneReason(said) ? "reason" : undefined;
}

function haveOneReason({ edge, openssl, explain, nginx = edge }: Judgements): boolean {
  if (edge !== explain) return false;
  const reason = reasonOf(edge);
  if (OWN_REASONS.has(reason)) return true;
  return nginx === edge && reasonOf(openssl).split("; ").includes(reason);
}

function reasonOf(judgement: Judgement): string {
  return judgement.slice("FAILED:".length);
}

/** OpenSSL's words for a leaf whose issuer is not there; the edge and `openssl verify` call it by its first failure. */
const LEAF_UNVERIFIED = "FAILED:unable to verify the first certificate";

/** As the edge puts it (handshake.ts), so that the two can be compared. */
export function normalizeReason(judgement: string): Judgement {
  return judgement === LEAF_UNVERIFIED ? "FAILED:unable to get local issuer certificate" : (judgement as Judgement);
}
