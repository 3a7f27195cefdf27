/**
 * `config/*.oas.json`: an OpenAPI 3.1 document with Sallyport's extensions. Only what routes are made of is
 * described here; everything else of OpenAPI passes through unread, in `RouteDefinition.raw`.
 */
import { z } from "zod";
import { moduleReferenceSchema } from "./module-reference.ts";

/** The extension of a path item, and the extension of an operation. */
export const PATH_EXTENSION = "x-zuplo-path";
export const ROUTE_EXTENSION = "x-zuplo-route";

/** Fixed fields of a path item that are operations (OpenAPI 3.1, section 4.8.9.1). */
export const OPERATION_FIELDS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

/** Fixed fields of a path item that are not operations. `$ref` is not among them: it would hide routes. */
export const PATH_ITEM_FIELDS = ["summary", "description", "servers", "parameters"] as const;

/** The document itself. Path items are validated one by one, so that a broken one does not hide the others' problems. */
export const routesFileSchema = z.looseObject({
  openapi: z.string().regex(/^3\.1\.\d+$/, {
    error: (issue) => `"${String(issue.input)}" is not a supported version, allowed: OpenAPI 3.1`,
  }),
  paths: z.record(z.string(), z.unknown()).default({}),
});

export const pathItemSchema = z.record(z.string(), z.unknown());

export const pathExtensionSchema = z.strictObject({
  pathMode: z.enum(["open-api", "url-pattern"]).default("open-api"),
});

export type PathMode = z.infer<typeof pathExtensionSchema>["pathMode"];

/** The operation without its extension, which {@link routeExtensionSchema} describes. */
export const operationSchema = z.looseObject({ operationId: z.string().min(1).optional() });

export const routeExtensionSchema = z.strictObject({
  corsPolicy: z.string().min(1).default("none"),
  handler: moduleReferenceSchema,
  policies: z
    .strictObject({
      inbound: z.array(z.string().min(1)).default([]),
      outbound: z.array(z.string().min(1)).default([]),
    })
    .default({ inbound: [], outbound: [] }),
});

export type RouteExtension = z.infer<typeof routeExtensionSchema>;
