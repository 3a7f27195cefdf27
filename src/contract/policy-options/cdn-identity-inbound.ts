/**
 * Options of the `cdn-identity-inbound` policy. One schema for `sallyport build` and for the gateway worker, so that what
 * builds also loads.
 */
import { z } from "zod";
import { isClientCertField } from "../client-cert-field.ts";
import { fieldName } from "./headers.ts";
import { clientCertificateRules } from "./mtls-auth-inbound.ts";
import { reportUnsetOptions } from "./validate-options.ts";

const SECRET_MIN_CHARACTERS = 32;
const SIGNATURE_MAX_AGE_SECONDS = 300;

/** Lower case, underscores read as dashes. Held to what the edge really drops by test/build/policies.test.ts. */
const DROPPED_BY_EDGE =
  /^(?:(?:sallyport|cf|mf|x-forwarded|x-ssl|ssl-client|x-amzn-mtls)(?:-.*)?|x-client-cert.*|forwarded|true-client-ip|x-real-ip|connection|keep-alive|proxy-(?:connection|authenticate|authorization)|te|trailer|transfer-encoding|upgrade|expect|http2-settings|host)$/;

/** A header that a client, or a CDN, can send through the edge. */
const passedHeader = fieldName.superRefine((name, context) => {
  const normal = name.toLowerCase().replaceAll("_", "-");
  if (!isClientCertField(normal) && !DROPPED_BY_EDGE.test(normal)) return;
  context.addIssue(`"${name}" never arrives: the gateway drops it from every request, have the CDN send another name`);
});

/** The limits of what is written in a header and cannot be guessed */
const secret = z.string().superRefine((text, context) => {
  if (/^[\x21-\x7e]+$/.test(text) && text.length >= SECRET_MIN_CHARACTERS) return;
  // Not the value itself: problems are logged.
  context.addIssue(`is not a secret, allowed: ${SECRET_MIN_CHARACTERS} or more printable characters without spaces`);
});

/** Several, of which any counts: for a rotation. */
const secrets = z.array(secret).min(1);

const clientCertificate = z
  .strictObject(clientCertificateRules)
  .superRefine(reportUnsetOptions)
  .refine((rules) => Object.values(rules).some((rule) => rule !== undefined), {
    error: `"clientCertificate" has no rule, expected at least one of ${Object.keys(clientCertificateRules).join(", ")}`,
  });

const proofSchema = z
  .strictObject({
    /** The client certificate of the CDN itself, by the rules of `mtls-auth-inbound` */
    clientCertificate: clientCertificate.optional(),
    /** A header that only the CDN can write */
    secret: z
      .strictObject({
        /** Its name; removed before handlers and origins see the request */
        header: passedHeader,
        /** What it has to say; several during a rotation, any of which counts */
        values: secrets,
      })
      .optional(),
    /** A signature of the request and the identity (RFC 9421, `hmac-sha256`) */
    signature: z
      .strictObject({
        /** Shared with the CDN; several during a rotation, any of which counts */
        secrets,
        /** How old `created` may be: so long a request that somebody saw can be sent again */
        maxAgeSeconds: z.int().min(1).max(SIGNATURE_MAX_AGE_SECONDS).default(60),
      })
      .optional(),
  })
  .superRefine(reportUnsetOptions)
  .refine((proof) => Object.values(proof).some((kind) => kind !== undefined), {
    error: `"proof" is empty, expected at least one of clientCertificate, secret, signature: anybody can write a header`,
  });

export const cdnIdentityInboundOptionsSchema = z.strictObject({
  /** Where the CDN writes whom it verified */
  identityHeader: passedHeader,
  /** That the request comes from the CDN. Of several, each has to hold. */
  proof: proofSchema,
});

export type CdnIdentityInboundOptions = z.infer<typeof cdnIdentityInboundOptionsSchema>;
export type CdnProof = CdnIdentityInboundOptions["proof"];
