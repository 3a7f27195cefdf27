/** How project files point at code: an export of a module, with options that are checked by who owns the export. */
import { z } from "zod";
import type { JsonObject } from "../project.ts";

const jsonObjectSchema: z.ZodType<JsonObject> = z.record(z.string(), z.json());

export const moduleReferenceSchema = z.strictObject({
  /** Name of the export; `default` for a default export */
  export: z.string().min(1),
  /** `$import(…)` */
  module: z.string().min(1),
  options: jsonObjectSchema.optional(),
});

/** A module reference as it stands in the file, with its `$import(…)` unresolved. */
export type WrittenModuleReference = z.infer<typeof moduleReferenceSchema>;
