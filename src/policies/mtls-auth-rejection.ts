/** What an enforcing `mtls-auth-inbound` answers. One exhaustive switch: a new reason does not compile without one. */
import type { ProblemCode, ProblemExplanation } from "../contract/problem.ts";
import type { MtlsAuthRejection } from "./mtls-auth-decision.ts";

export const METADATA_NOT_PROVIDED = "client certificate metadata not provided";

export interface RejectionAnswer {
  code: Extract<ProblemCode, "client_certificate_required" | "client_certificate_rejected">;
  /** For the log, and for the answer in a development environment */
  explanation: ProblemExplanation;
}

export function explainRejection(rejection: MtlsAuthRejection): RejectionAnswer {
  switch (rejection.kind) {
    case "certificate_missing":
      return required("no client certificate was presented", "send one: curl --cert client.pem --key client.key");
    case "not_through_edge":
      return required(rejection.reason, "call the edge's https address, not the worker's own");
    case "edge_assertion_refused":
      return rejected(
        rejection.reason,
        "compare the edge's and the worker's account, project, environment, keys and clocks; the worker reads SALLYPORT_ENVIRONMENT and SALLYPORT_EDGE_JWKS",
      );
    case "source_not_configured":
      return rejected(rejection.reason, "start the worker with sallyport dev, or set one of the two variables");
    case "verification_failed":
      return rejected(rejection.reason, hintForVerificationFailure(rejection.reason));
    case "metadata_unreadable":
      return rejected(
        "client certificate metadata cannot be read",
        "the certificate has an empty issuer, an odd name, date or fingerprint: sallyport explain --cert client.pem",
      );
    case "issuer_mismatch":
      return rejected(
        `the issuer "${rejection.issuer}" is not one that this route accepts`,
        `if it should be, set in the policy's options: "certIssuerDN": ${JSON.stringify(rejection.issuer)}`,
      );
    case "trust_anchors_unknown":
      return rejected(
        "the pin on caCertificates cannot be checked here: Cloudflare does not say which CA certificate anchored the chain",
        "use certIssuerDN on Cloudflare, or run the worker behind the edge",
      );
    case "trust_anchor_mismatch":
      return rejected(
        `the chain leads to ${rejection.anchors.join(", ") || "no uploaded CA certificate"}, caCertificates has to name every one`,
        "see the names and ids with: sallyport ca-certificate list",
      );
    case "names_unavailable":
      return rejected(
        `${METADATA_NOT_PROVIDED}: the sans rules of this route cannot be checked`,
        "the leaf is over 10 KiB encoded or cannot be read: issue a smaller one, or allow it by sha256Fingerprints",
      );
    case "leaf_not_allowed":
      return rejected(
        `no allow rule matches the certificate of "${rejection.subject}"`,
        `if it should be allowed, set in the policy's options: "allow": { "sha256Fingerprints": ["${rejection.sha256Fingerprint}"] }`,
      );
  }
}

function required(reason: string, hint: string): RejectionAnswer {
  return { code: "client_certificate_required", explanation: { reason, hint } };
}

function rejected(reason: string, hint: string): RejectionAnswer {
  return { code: "client_certificate_rejected", explanation: { reason, hint } };
}

/** OpenSSL's texts (and ours) by what a person has to do about them. The first that is found in the reason. */
const VERIFICATION_HINTS: readonly (readonly [text: string, hint: string])[] = [
  [
    "issuer certificate",
    "send the intermediate certificates after the leaf: cat client.pem intermediate.pem; or upload the root that anchors the chain, which another root of the same name does not: sallyport ca-certificate create",
  ],
  [
    "unable to verify the first certificate",
    "send the intermediate certificates after the leaf: cat client.pem intermediate.pem",
  ],
  [
    "self-signed certificate in certificate chain",
    "upload the root that anchors this chain: sallyport ca-certificate create",
  ],
  ["self-signed certificate", "the leaf signs itself: present one that an uploaded CA certificate has issued"],
  [
    "certificate signature failure",
    "an uploaded CA certificate has the issuer's name and another key: issue the certificate from that CA, or upload the root that did sign it beside it",
  ],
  ["has expired", "issue a new certificate, and send intermediates that are still valid"],
  ["not yet valid", "wait for notBefore, or correct the clock of the machine that issued the certificate"],
  ["certificate purpose", "issue the certificate with extended key usage clientAuth, or without extended key usage"],
  [
    "no CA certificate applies to this server name",
    "connect by a host name that is a verified domain here, which is sent as SNI: sallyport custom-domain list",
  ],
  ["CA certificate was removed", "upload the CA certificate again, or issue from one that is still uploaded"],
  ["revoked", "the certificate was revoked: issue a new one"],
  ["invalid CA certificate", "an issuer in the chain is no CA: make it with basicConstraints CA:TRUE"],
  ["certificate signing", "an issuer in the chain may not sign certificates: make it with key usage keyCertSign"],
  [
    "path length constraint",
    "more intermediates than a CA above them allows: issue from one further up, or with a larger pathlen",
  ],
  [
    "subtree violation",
    "the name constraints of a CA in the chain do not allow the certificate's names: change either",
  ],
  ["critical extension", "an extension is critical and unknown to OpenSSL: issue without it, or not critical"],
  ["too weak", "issue it anew: ECDSA, or RSA of 2048 bits or more, and SHA-256 or better"],
  ["chain too long", "send the leaf and its intermediates, and nothing else"],
];

const GENERAL_HINT = "ask what the edge sees in it: sallyport explain --cert client.pem";

function hintForVerificationFailure(reason: string): string {
  return VERIFICATION_HINTS.find(([text]) => reason.includes(text))?.[1] ?? GENERAL_HINT;
}
