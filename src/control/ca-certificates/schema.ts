/** CA certificates as the API takes and gives them. An upload is inspected while it is parsed: all its problems at once. */
import { z } from "@hono/zod-openapi";
import { countDaysLeft } from "../certificate-upload.ts";
import type { caCertificates } from "../database/schema.ts";
import { identifierSchema, timestampSchema } from "../fields.ts";
import { issueOf } from "../router.ts";
import { type CaPurpose, CLIENT_CA, inspectCaCertificate } from "./inspect.ts";

/** What is sent to upload a CA certificate for `purpose`. */
export function createUploadSchema(purpose: CaPurpose) {
  return z.strictObject({
    name: identifierSchema,
    certificate: z
      .string()
      .transform(async (text, context) => {
        const inspection = await inspectCaCertificate(text, new Date(), purpose);
        if (inspection.ok) return inspection.inspected;
        context.addIssue(issueOf(inspection.refusal));
        return z.NEVER;
      })
      .openapi({ type: "string", description: "PEM of one self-signed CA certificate; no private key" }),
  });
}

export const uploadSchema = createUploadSchema(CLIENT_CA).openapi("CaCertificateUpload");

export const caCertificateSchema = z
  .object({
    id: z.string().openapi({ example: "mtlsca_0123456789abcdef01234567" }),
    name: identifierSchema,
    subject: z.string().openapi({ example: "CN=example-ca,O=Example,C=US", description: "RFC 2253" }),
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
  .openapi("CaCertificate");

export const describedCaCertificateSchema = caCertificateSchema
  .extend({ certificate: z.string().openapi({ description: "PEM" }) })
  .openapi("DescribedCaCertificate");

export const warningSchema = z.object({ code: z.string(), message: z.string() });
export type Warning = z.infer<typeof warningSchema>;

export const createdCaCertificateSchema = caCertificateSchema
  .extend({ warnings: z.array(warningSchema) })
  .openapi("CreatedCaCertificate");

export function presentCaCertificate(
  row: typeof caCertificates.$inferSelect,
  now: Date,
): z.infer<typeof caCertificateSchema> {
  const { account: _, certificate: __, subjectKeyId: ___, ...shown } = row;
  return { ...shown, daysLeft: countDaysLeft(row.notAfter, now) };
}
