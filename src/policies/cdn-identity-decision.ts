/**
 * Whom does the CDN say that it verified, and is it the CDN that says so? The header is looked at when every proof holds,
 * and never before: anybody can write a header.
 */
import type { CdnIdentityInboundOptions, CdnProof } from "../contract/policy-options/cdn-identity-inbound.ts";
import type { ClientCertificateVerdict } from "../gateway/client-certificate.ts";
import { verifyMessageSignature } from "./message-signature.ts";
import { compileMtlsAuthRules, evaluateMtlsAuth, type MtlsAuthRejection } from "./mtls-auth-decision.ts";

/** Why a request does not pass. */
export type CdnIdentityRejection =
  | { kind: "certificate_not_of_cdn"; rejection: MtlsAuthRejection }
  | { kind: "secret_wrong"; header: string }
  | { kind: "signature_invalid"; reason: string }
  | { kind: "identity_missing"; header: string }
  | { kind: "identity_malformed"; header: string };

export type CdnIdentityResult = { ok: true; identity: string } | { ok: false; rejection: CdnIdentityRejection };

interface Candidate {
  request: Request;
  verdict: ClientCertificateVerdict;
  now: Date;
}

type CheckProof = (candidate: Candidate) => Promise<CdnIdentityRejection | undefined>;

/** As for the longest name out of a certificate that is forwarded */
const IDENTITY_MAX_CHARACTERS = 4 * 1024;
const IDENTITY = /^[\x20-\x7e\x80-\xff]+$/;

export function compileCdnIdentityRules({ identityHeader, proof }: CdnIdentityInboundOptions) {
  const checks = compileProofs(proof, identityHeader.toLowerCase());
  return async function evaluateCdnIdentity(candidate: Candidate): Promise<CdnIdentityResult> {
    for (const check of checks) {
      const rejection = await check(candidate);
      if (rejection) return { ok: false, rejection };
    }
    const identity = candidate.request.headers.get(identityHeader) ?? "";
    if (identity === "") return { ok: false, rejection: { kind: "identity_missing", header: identityHeader } };
    if (identity.length > IDENTITY_MAX_CHARACTERS || !IDENTITY.test(identity)) {
      return { ok: false, rejection: { kind: "identity_malformed", header: identityHeader } };
    }
    return { ok: true, identity };
  };
}

/** @throws TypeError without any proof, which the options' schema excludes */
function compileProofs({ clientCertificate, secret, signature }: CdnProof, identityHeader: string): CheckProof[] {
  const checks: CheckProof[] = [];
  if (clientCertificate) {
    const rules = compileMtlsAuthRules(clientCertificate);
    checks.push(async ({ verdict }) => {
      const rejection = evaluateMtlsAuth(verdict, rules);
      return rejection && { kind: "certificate_not_of_cdn", rejection };
    });
  }
  if (secret) checks.push(({ request }) => checkSecret(request, secret));
  if (signature) {
    const encoder = new TextEncoder();
    const secrets = signature.secrets.map((text) => encoder.encode(text));
    const covered = ["@method", "@target-uri", identityHeader];
    const rules = { secrets, covered, maxAgeSeconds: signature.maxAgeSeconds };
    checks.push(async ({ request, now }) => {
      const result = await verifyMessageSignature(request, rules, now);
      return result.ok ? undefined : { kind: "signature_invalid", reason: result.reason };
    });
  }
  if (checks.length === 0) throw new TypeError('"proof" is empty: anybody can write a header');
  return checks;
}

/** In constant time: of digests, so that neither length nor common beginnings show, and of all that could be meant. */
async function checkSecret(
  request: Request,
  { header, values }: NonNullable<CdnProof["secret"]>,
): Promise<CdnIdentityRejection | undefined> {
  const given = await digest(request.headers.get(header) ?? "");
  const digests = await Promise.all(values.map(digest));
  const matches = digests.map((expected) => crypto.subtle.timingSafeEqual(given, expected));
  return matches.includes(true) ? undefined : { kind: "secret_wrong", header };
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
