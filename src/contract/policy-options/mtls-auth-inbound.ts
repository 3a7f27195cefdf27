/**
 * Options of the `mtls-auth-inbound` policy. One schema for `sallyport build` and for the gateway worker, so that what
 * builds also loads. Names and rules are parsed here once and discarded: the schema only says whether they parse.
 */
import { z } from "zod";
import { parseDistinguishedName } from "../../x509/distinguished-name.ts";
import { parseSanRule } from "../../x509/subject-alternative-name.ts";
import { reportUnsetOptions } from "./validate-options.ts";

const distinguishedName = z.string().superRefine((text, context) => {
  const parsed = parseDistinguishedName(text);
  if (!parsed.ok) {
    context.addIssue(
      `"${text}" is not a distinguished name: ${parsed.reason} at position ${parsed.position}, write it as "openssl x509 -noout -issuer -nameopt RFC2253" prints it`,
    );
  }
});

const SHA256_FINGERPRINT = /^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;
const sha256Fingerprint = z.string().superRefine((text, context) => {
  if (!SHA256_FINGERPRINT.test(text)) {
    context.addIssue(
      `"${text}" is not a SHA-256 fingerprint: 64 hexadecimal digits are expected, with or without colons`,
    );
  }
});

const subjectAlternativeName = z.string().superRefine((text, context) => {
  const parsed = parseSanRule(text);
  if (!parsed.ok) context.addIssue(parsed.reason);
});

const allowSchema = z
  .strictObject({
    /** SHA-256 over the leaf's DER, with or without colons, in any case */
    sha256Fingerprints: z.array(sha256Fingerprint).min(1).optional(),
    /** Compared structurally, like the issuer */
    subjectDNs: z.array(distinguishedName).min(1).optional(),
    /** `dns:`, `uri:`, `email:`, `ip:`; a `*` matches one DNS label */
    sans: z.array(subjectAlternativeName).min(1).optional(),
  })
  .refine((allow) => Object.values(allow).some((rules) => rules !== undefined), {
    error: `"allow" has no rule, expected at least one of sha256Fingerprints, subjectDNs, sans`,
  });

/** Rules on a client certificate that verified, for every policy that has some. */
export const clientCertificateRules = {
  /** Issuer of the leaf, which is an intermediate when the client sends a chain */
  certIssuerDN: distinguishedName.optional(),
  /** Further issuers, any of which is accepted: for a rotation that changes the name */
  certIssuerDNs: z.array(distinguishedName).min(1).optional(),
  /** Names or ids of uploaded CA certificates: a pin on a key rather than a name. Every anchor must be named. */
  caCertificates: z.array(z.string().min(1)).min(1).optional(),
  /** Rules on the leaf: one rule of any list has to match */
  allow: allowSchema.optional(),
};

const clientCertificateRulesSchema = z.strictObject(clientCertificateRules);

export type ClientCertificateRules = z.infer<typeof clientCertificateRulesSchema>;

export const mtlsAuthInboundOptionsSchema = z
  .strictObject({
    /** `true` is passthrough: never rejects, still attaches metadata, which then says `verified: false` or `true` */
    allowUnauthenticatedRequests: z.boolean().default(false),
    ...clientCertificateRules,
  })
  .superRefine((options, context) => {
    reportUnsetOptions(options, context);
    const isPinned =
      options.certIssuerDN !== undefined || options.certIssuerDNs !== undefined || options.caCertificates !== undefined;
    if (!options.allowUnauthenticatedRequests && !isPinned) {
      context.addIssue({
        code: "custom",
        path: ["certIssuerDN"],
        message: `"certIssuerDN" is missing: without allowUnauthenticatedRequests one of certIssuerDN, certIssuerDNs, caCertificates is required`,
      });
    }
  });

export type MtlsAuthInboundOptions = z.infer<typeof mtlsAuthInboundOptionsSchema>;
