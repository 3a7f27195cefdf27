/** mTLS certificates as the API takes and gives them. An upload is inspected while it is parsed: all its problems at once. */
import { z } from "@hono/zod-openapi";
import { ENVIRONMENT_TYPES, type EnvironmentType } from "../../contract/egress.ts";
import { warningSchema } from "../ca-certificates/schema.ts";
import { countDaysLeft } from "../certificate-upload.ts";
import type { mtlsCertificates } from "../database/schema.ts";
import { identifierSchema, timestampSchema } from "../fields.ts";
import { issueOf } from "../router.ts";
import { type InspectedChain, inspectClientCertificate } from "./inspect.ts";
import { checkKeyMatches, type PrivateKey, parsePrivateKey } from "./private-key.ts";

const chainField = z
  .string()
  .transform(async (text, context) => {
    const inspection = await inspectClientCertificate(text, new Date());
    if (inspection.ok) return inspection.inspected;
    context.addIssue(issueOf(inspection.refusal));
    return z.NEVER;
  })
  .openapi({ type: "string", description: "PEM: the client certificate, then its intermediates in order" });

const privateKeyField = z
  .string()
  .transform((text, context) => {
    const parsed = parsePrivateKey(text);
    if (parsed.ok) return parsed.key;
    context.addIssue(issueOf(parsed.refusal));
    return z.NEVER;
  })
  .openapi({ type: "string", description: "PEM of the private key, not encrypted; it is never given back" });

const environmentTypesField = z
  .array(z.enum(ENVIRONMENT_TYPES))
  .superRefine((types, context) => {
    if (types.length > 0) return;
    const code = "environment_type_missing";
    const message = `no environment type is named, allowed are ${ENVIRONMENT_TYPES.join(", ")}`;
    context.addIssue(issueOf({ code, message, hint: "name the kinds of environment that may present it" }));
  })
  // In one order and each once, whatever was sent
  .transform((types): EnvironmentType[] => ENVIRONMENT_TYPES.filter((type) => types.includes(type)))
  .openapi({ type: "array", items: { type: "string", enum: [...ENVIRONMENT_TYPES] }, minItems: 1 });

export interface KeyPair {
  certificate: InspectedChain;
  privateKey: PrivateKey;
}

async function checkKeyPair({ certificate, privateKey }: KeyPair, context: z.RefinementCtx): Promise<void> {
  const refusal = await checkKeyMatches(certificate.leaf, privateKey);
  if (refusal !== undefined) context.addIssue({ ...issueOf(refusal), path: ["privateKey"] });
}

export const uploadSchema = z
  .strictObject({
    name: identifierSchema,
    certificate: chainField,
    privateKey: privateKeyField,
    environmentTypes: z.preprocess((value) => value ?? [], environmentTypesField),
  })
  .superRefine(checkKeyPair)
  .openapi("MtlsCertificateUpload");

export const changeSchema = z
  .strictObject({
    environmentTypes: environmentTypesField.optional(),
    certificate: chainField.optional(),
    privateKey: privateKeyField.optional(),
  })
  .superRefine(async function checkChange({ environmentTypes, certificate, privateKey }, context) {
    if (certificate !== undefined && privateKey !== undefined) {
      await checkKeyPair({ certificate, privateKey }, context);
    } else if (certificate !== undefined || privateKey !== undefined) {
      const missing = certificate === undefined ? "certificate" : "privateKey";
      const message = `"${missing}" is missing: a new certificate comes with its private key, and a key with its certificate`;
      const refusal = { code: "key_pair_incomplete", message, hint: "send `certificate` and `privateKey` together" };
      context.addIssue({ ...issueOf(refusal), path: [missing] });
    } else if (environmentTypes === undefined) {
      const hint = "send `environmentTypes`, or `certificate` and `privateKey`, or all three";
      context.addIssue(issueOf({ code: "invalid_request", message: "nothing is to be changed", hint }));
    }
  })
  .openapi("MtlsCertificateChange");

export const mtlsCertificateSchema = z
  .object({
    id: z.string().openapi({ example: "cert_0123456789abcdef01234567" }),
    name: identifierSchema.openapi({ example: "aws_alb_cert" }),
    project: z.string(),
    version: z.string().openapi({ description: "Another one after every upload of a certificate under this id" }),
    environmentTypes: z.array(z.enum(ENVIRONMENT_TYPES)),
    isDisabled: z.boolean(),
    subject: z.string().openapi({ example: "CN=gateway,O=Example,C=US", description: "Of the leaf, RFC 2253" }),
    issuer: z.string().openapi({ example: "CN=example-ca,O=Example,C=US" }),
    notBefore: timestampSchema,
    notAfter: timestampSchema,
    serialNumber: z.string().openapi({ description: "Uppercase hex" }),
    keyType: z.string().openapi({ example: "EC P-256" }),
    sha256Fingerprint: z.string().openapi({ description: "Uppercase hex with colons" }),
    daysLeft: z.number().int().openapi({ description: "Whole days to notAfter, negative after it" }),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .openapi("MtlsCertificate");

export const describedMtlsCertificateSchema = mtlsCertificateSchema
  .extend({ certificate: z.string().openapi({ description: "PEM: leaf, then intermediates" }) })
  .openapi("DescribedMtlsCertificate");

export const writtenMtlsCertificateSchema = mtlsCertificateSchema
  .extend({ warnings: z.array(warningSchema) })
  .openapi("WrittenMtlsCertificate");

export type MtlsCertificateRow = typeof mtlsCertificates.$inferSelect;

/** Names every field that is shown, so that a new column of the table is not shown by itself. */
export function presentMtlsCertificate(row: MtlsCertificateRow, now: Date): z.infer<typeof mtlsCertificateSchema> {
  return {
    id: row.id,
    name: row.name,
    project: row.project,
    version: row.version,
    environmentTypes: row.environmentTypes,
    isDisabled: row.isDisabled,
    subject: row.subject,
    issuer: row.issuer,
    notBefore: row.notBefore,
    notAfter: row.notAfter,
    serialNumber: row.serialNumber,
    keyType: row.keyType,
    sha256Fingerprint: row.sha256Fingerprint,
    daysLeft: countDaysLeft(row.notAfter, now),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
