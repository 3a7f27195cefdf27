/** CA certificates of origins as the API takes and gives them: those of clients, in a project. */
import { z } from "@hono/zod-openapi";
import { ORIGIN_CA } from "../ca-certificates/inspect.ts";
import { caCertificateSchema, createUploadSchema, warningSchema } from "../ca-certificates/schema.ts";
import { countDaysLeft } from "../certificate-upload.ts";
import type { originCas } from "../database/schema.ts";

export const uploadSchema = createUploadSchema(ORIGIN_CA).openapi("OriginCaUpload");

export const originCaSchema = caCertificateSchema
  .omit({ updatedAt: true })
  .extend({ id: z.string().openapi({ example: "oca_0123456789abcdef01234567" }), project: z.string() })
  .openapi("OriginCa");

export const describedOriginCaSchema = originCaSchema
  .extend({ certificate: z.string().openapi({ description: "PEM" }) })
  .openapi("DescribedOriginCa");

export const createdOriginCaSchema = originCaSchema
  .extend({ warnings: z.array(warningSchema) })
  .openapi("CreatedOriginCa");

export type OriginCaRow = typeof originCas.$inferSelect;

export function presentOriginCa(row: OriginCaRow, now: Date): z.infer<typeof originCaSchema> {
  const { account: _, certificate: __, ...shown } = row;
  return { ...shown, daysLeft: countDaysLeft(row.notAfter, now) };
}
