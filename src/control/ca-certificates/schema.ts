/** CA certificates as the API takes and gives them. An upload is inspected while it is parsed: all its problems at once. */
import { z } from "@hono/zod-openapi";
import type { caCertificates } from "../database/schema.ts";
import { identifierSchema, timestampSchema } from "../fields.ts";
import type { IssueParams } from "../router.ts";
import { inspectCaCertificate } from "./inspect.ts";

export const uploadSchema = z
  .strictObject({
    name: identifierSchema,
    certificate: z
      .string()
      .transform(async (text, context) => {
        const inspection = await inspectCaCertificate(text, new Date());
        if (inspection.ok) return inspection.inspected;
        const { code, hint, message } = inspection.refusal;
        const params: IssueParams = { code, hint };
        context.addIssue({ code: "custom", message, params });
        return z.NEVER;
      })
      .openapi({ type: "string", description: "PEM of one self-signed CA certificate; no private key" }),
  })
  .openapi("CaCertificateUpload");

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

const warningSchema = z.object({ code: z.string(), message: z.string() });
export type Warning = z.infer<typeof warningSchema>;

export const createdCaCertificateSchema = caCertificateSchema
  .extend({ warnings: z.array(warningSchema) })
  .openapi("CreatedCaCertificate");

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

export function presentCaCertificate(
  row: typeof caCertificates.$inferSelect,
  now: Date,
): z.infer<typeof caCertificateSchema> {
  const { account: _, certificate: __, subjectKeyId: ___, ...shown } = row;
  return { ...shown, daysLeft: Math.floor((Date.parse(row.notAfter) - now.getTime()) / DAY_MILLISECONDS) };
}
