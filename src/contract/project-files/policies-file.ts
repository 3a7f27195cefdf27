/** `config/policies.json`: the policies that routes name, and the CORS policies. */
import { z } from "zod";
import { moduleReferenceSchema } from "./module-reference.ts";

/** The whole file. Entries are validated one by one, so that a broken one does not hide the others' problems. */
export const policiesFileSchema = z.strictObject({
  policies: z.array(z.unknown()).default([]),
  corsPolicies: z.array(z.unknown()).default([]),
});

export const policySchema = z.strictObject({
  name: z.string().min(1),
  policyType: z.string().min(1),
  handler: moduleReferenceSchema,
});

/** CORS policies that exist without being defined; no definition may take their names. */
export const BUILT_IN_CORS_POLICIES = ["none", "anything-goes"] as const;

const builtInCorsNames: ReadonlySet<string> = new Set(BUILT_IN_CORS_POLICIES);

/** A list, or the same as one comma-separated string, which Zuplo's files also use. */
const listSchema = z.preprocess(
  (value) => (typeof value === "string" ? value.split(",").map((entry) => entry.trim()) : value),
  z.array(z.string().min(1)),
);

export const corsPolicySchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .refine((name) => !builtInCorsNames.has(name), {
        error: (issue) => `"${String(issue.input)}" is the name of a built-in CORS policy`,
      }),
    allowedOrigins: listSchema,
    allowedMethods: listSchema.default([]),
    allowedHeaders: listSchema.default([]),
    exposeHeaders: listSchema.default([]),
    /** Seconds */
    maxAge: z.int().nonnegative().optional(),
    allowCredentials: z.boolean().default(false),
  })
  .refine((policy) => !(policy.allowCredentials && policy.allowedOrigins.includes("*")), {
    path: ["allowedOrigins"],
    error: '"*" cannot stand beside allowCredentials: every site could act with the credentials of its visitors',
  });
