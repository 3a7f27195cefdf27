/**
 * The fields that several routes share: names, pages, times. Names are restricted to what can stand in a host name,
 * in code, or in one line of a log, so that nothing that is quoted somewhere has to be escaped there.
 */
import { z } from "@hono/zod-openapi";
import { IDENTIFIER_ALLOWED, isIdentifier, proposeIdentifier } from "../contract/identifier.ts";
import type { IssueParams } from "./router.ts";

/** A value that is short and printable enough to be repeated in an answer; anything else could be a key. */
export function quote(value: unknown): string {
  return typeof value === "string" && /^[\x20-\x7e]{1,40}$/.test(value) ? `"${value}"` : "the value";
}

function fieldOf(code: string, pattern: RegExp, wrong: string, allowed: string) {
  const params: IssueParams = { code, hint: `use ${allowed}` };
  return z.string().refine((value) => pattern.test(value), {
    error: (issue) => `${quote(issue.input)} is not ${wrong}, allowed are ${allowed}`,
    params,
  });
}

/** Of accounts and projects: a DNS label, since a managed domain is made of it. `xn--` would spell another name. */
export const labelSchema = fieldOf(
  "name_not_label",
  /^(?!xn--)[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
  "a name that can stand in a host name",
  "1 to 40 lower-case letters, digits and inner dashes, beginning with a letter",
).openapi({ example: "example" });

/** Of certificates, which code refers to by name. */
export const identifierSchema = z
  .string()
  .superRefine((value, context) => {
    if (isIdentifier(value)) return;
    const message = `${quote(value)} is not a JavaScript identifier, allowed are ${IDENTIFIER_ALLOWED}`;
    const params: IssueParams = { code: "name_not_identifier", hint: suggestIdentifier(value) };
    context.addIssue({ code: "custom", message, params });
  })
  .openapi({ example: "my_ca" });

/** The name that would do is said, unless what was sent could be a key in the wrong field. */
function suggestIdentifier(value: string): string {
  const proposed = quote(value) === "the value" ? undefined : proposeIdentifier(value);
  return `use ${IDENTIFIER_ALLOWED}${proposed === undefined ? "" : `: ${proposed}`}`;
}

/** Of things that only people read. */
export const captionSchema = fieldOf(
  "invalid_request",
  /^[\p{L}\p{N}_.-][\p{L}\p{N}_. -]{0,63}$/u,
  "a name",
  "1 to 64 letters, digits, spaces, dots, dashes and underscores",
).openapi({ example: "laptop" });

/** Of environments and builds, which come from branches and tools. */
export const tokenSchema = fieldOf(
  "invalid_request",
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  "a plain word",
  "1 to 128 letters, digits, dots, dashes and underscores, beginning with a letter or digit",
);

export const timestampSchema = z.iso.datetime().openapi({ example: "2026-01-31T00:00:00.000Z" });

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

/** The query of every list. */
export const pageSchema = z.strictObject({
  offset: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
});

export function listSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), offset: z.number().int(), limit: z.number().int() });
}

/** `application/json` with this schema, as a request or response says it. */
export function json<Schema extends z.ZodType>(schema: Schema) {
  return { "application/json": { schema } };
}

export function body<Schema extends z.ZodType>(schema: Schema) {
  return { content: json(schema), required: true } as const;
}
